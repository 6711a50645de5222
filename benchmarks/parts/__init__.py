"""What the benchmarks are made of. `make bench` runs the files beside this folder, not those in it."""
