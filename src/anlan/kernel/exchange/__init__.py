"""Files in and out: import of Excel and CSV with a preview, export, templates, files of reports."""
