"""A trained model as a folder: files, what they mean, and what serving and monitoring need to know of it."""
