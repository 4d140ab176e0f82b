"""What is stored, turned into what clients read. Pure."""
