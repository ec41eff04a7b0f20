"""What people look at in Grafana: dashboards and alert rules as code, and how they get there."""
