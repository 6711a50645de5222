"""Making, verifying, executing and publishing notebooks: the part of authors and lecturers. No notebook imports it."""
