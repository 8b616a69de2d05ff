// The scripts of a list. They import each other by name, so only this one is named with a version: else they would run twice.

import "./list.js";
import "./listview.js";
import "./bulk.js";
import "./board.js";
