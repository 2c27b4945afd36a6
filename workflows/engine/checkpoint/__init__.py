"""What a saver keeps, and the saver that keeps it in this process."""
