# Python with NumPy groups, sorts and joins a table of 400,000 rows.
cat > /tmp/analytics.py <<'PYTHON'
import numpy

rows = 400_000
random = numpy.random.default_rng(1)
keys = random.zipf(1.3, rows) % 50_000
values = random.random(rows)
sums = numpy.bincount(keys, weights=values, minlength=50_000)
order = numpy.argsort(keys, kind="stable")
running = numpy.cumsum(values[order])
names, first = numpy.unique(keys, return_index=True)
joined = sums[keys] / numpy.maximum(values, 1e-9)
wide = values[:160_000].reshape(400, 400)
print(len(names), running[-1] > 0, numpy.median(joined) > 0, (wide @ wide.T).shape)
PYTHON
# Python keeps what it compiles at the first import.
python3 -c 'import numpy'
mark start
python3 /tmp/analytics.py
mark stop
