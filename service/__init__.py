"""What people use: command line, HTTP, dashboard, report."""
