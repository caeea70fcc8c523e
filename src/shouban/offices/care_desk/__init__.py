"""The care desk: people look after people; while one of the staff speaks, the machine is silent (draft Art. 11; Order 21 Art. 13)."""
