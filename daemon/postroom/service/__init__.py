"""What runs: watching, processing, sending, and the timetable that rings the bells."""
