"""What a cell shows: the answer, the card below it, the result object, and all of it while the answer arrives."""
