"""Programs that let people log in or act for themselves: entered, changed and stopped by officials."""
