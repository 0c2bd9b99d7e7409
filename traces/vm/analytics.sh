# Python with NumPy groups, sorts and joins a table of 150,000 rows.
cat > /tmp/analytics.py <<'PYTHON'
import numpy

rows = 150_000
random = numpy.random.default_rng(1)
keys = random.zipf(1.3, rows) % 50_000
values = random.random(rows)
sums = numpy.bincount(keys, weights=values, minlength=50_000)
order = numpy.argsort(keys, kind="stable")
running = numpy.cumsum(values[order])
names, first = numpy.unique(keys, return_index=True)
joined = sums[keys] / numpy.maximum(values, 1e-9)
wide = values[:40_000].reshape(200, 200)
print(len(names), running[-1] > 0, numpy.median(joined) > 0, (wide @ wide.T).shape)
PYTHON
# Debian finds these by links that a package's script makes, and no script is run here.
libraries=/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries/blas:$libraries/lapack
# Python keeps what it compiles at the first import.
python3 -c 'import numpy'
mark start
python3 /tmp/analytics.py
mark stop
