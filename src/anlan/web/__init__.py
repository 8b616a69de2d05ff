"""Floor 2: pages and API for any catalogue; knows forms, not what they are for."""
