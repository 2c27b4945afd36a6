"""What happens, shown as it happens: event rows in, websocket frames out."""
