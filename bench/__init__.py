"""Speed and cost of the road, measured side by side with what checks nothing; `python -m bench`."""
