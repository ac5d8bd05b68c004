"""The parts of the demo data generator; kefu.demo_data is its entrance."""
