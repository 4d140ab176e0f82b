"""What answers at each path: thin shells between the request, the counter and the views."""
