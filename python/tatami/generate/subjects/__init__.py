"""What models learn from where nothing else is given: drawn faces, photographs, made sounds."""
