"""The workshop of the shipped models: reads the corpus and the open data, trains, measures. Not part of the wheel."""
