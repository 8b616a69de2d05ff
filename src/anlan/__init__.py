"""Anlan 安澜: a zero-code ERP, and the service that keeps an ERP alive, on one kernel."""
