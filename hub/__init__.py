"""What happens to a case: rules, intake, delivery, store, interface. Only app.py sees adapters and monitoring."""
