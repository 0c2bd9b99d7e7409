# Makes tables of runs.csv of several sweeps, one after the other. See docs/benchmark.md.
# A point is a mix on a host of one size; a seed stands for the starts of its VMs.
BEGIN {
    FS = ","
    split("hit-density opt-static epoch-dp lru-min", names, " ")
    for (i in names) unpublished[names[i]]
}
$1 ~ /^min\t/ { split($0, part, "\t"); min[part[2]] = part[3]; next }
$1 == "run" { for (i = 1; i <= NF; i++) column[$i] = i; next }
$column["vm"] == "all" {
    policy = $column["policy"]; seed = $column["seed"]
    point = $column["scenario"] ", " $column["param_host_memory"]
    if (!(policy in is_known)) { is_known[policy]; policies[++policies_n] = policy }
    if (!(point in is_seen)) { is_seen[point]; points[++points_n] = point }
    if (!(seed in is_drawn)) { is_drawn[seed]; seeds[++seeds_n] = seed }
    faults[policy, point, seed] = $column["demand_faults"]
    sum[policy, point] += $column["demand_faults"]
}
# Of Student's t with so many degrees of freedom the 97.5 % quantile, after Cornish and Fisher.
function quantile(degrees,    z) {
    z = 1.959964
    return z + (z^3 + z) / (4 * degrees) + (5 * z^5 + 16 * z^3 + 3 * z) / (96 * degrees^2)
}
# The geometric mean over points of a policy's faults by those of another, of one seed or of all.
function relative(policy, other, seed,    p, logs, one, two) {
    for (p = 1; p <= points_n; p++) {
        one = seed == "" ? sum[policy, points[p]] : faults[policy, points[p], seed]
        two = seed == "" ? sum[other, points[p]] : faults[other, points[p], seed]
        logs += log(one / two)
    }
    return exp(logs / points_n)
}
function half_width(policy, other,    s, value, total, squares) {
    if (seeds_n < 2) return 0
    for (s = 1; s <= seeds_n; s++) {
        value = log(relative(policy, other, seeds[s]))
        total += value; squares += value^2
    }
    squares = (squares - total^2 / seeds_n) / (seeds_n - 1)
    return quantile(seeds_n - 1) * sqrt(squares > 0 ? squares / seeds_n : 0)
}
# `best` is a policy of its own: in each point the published one with the fewest faults.
function find_best(    p, i, s, name) {
    for (p = 1; p <= points_n; p++) {
        name = ""
        for (i = 1; i <= policies_n; i++)
            if (!(policies[i] in unpublished) &&
                (name == "" || sum[policies[i], points[p]] < sum[name, points[p]]))
                name = policies[i]
        best[points[p]] = name
        sum["best", points[p]] = sum[name, points[p]]
        for (s = 1; s <= seeds_n; s++)
            faults["best", points[p], seeds[s]] = faults[name, points[p], seeds[s]]
    }
}
function row(policy,    p, ratio, worst, least, margin, mean) {
    least = 1e9
    for (p = 1; p <= points_n; p++) {
        ratio = sum[policy, points[p]] / sum["global-lru", points[p]]
        if (ratio > worst) worst = ratio
        if (ratio < least) least = ratio
    }
    mean = relative(policy, "global-lru", ""); margin = half_width(policy, "global-lru")
    printf "| `%s` | %.3f | %.3f to %.3f | %.3f | %.3f | %.3f | %.3f | %.3f |\n", policy, mean, \
        mean * exp(-margin), mean * exp(margin), worst, least, \
        relative(policy, "opt-static", ""), relative(policy, "best", ""), \
        relative(policy, "lru-min", "")
}
END {
    find_best()
    print "| policy | to `global-lru` | 95 % | worst | best | to `opt-static` " \
        "| to the best published | to `lru-min` |"
    print "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for (i = 1; i <= policies_n; i++) row(policies[i])
    row("best")
    for (p = 1; p <= points_n; p++) logs += log(min[points[p]])
    printf "| `min` | %.3f | | | | | | |\n", exp(logs / points_n)
    print ""
    print "| mix, frames | `global-lru` | best published | its | `hit-density` | `lru-min` | `min` |"
    print "| --- | ---: | --- | ---: | ---: | ---: | ---: |"
    for (p = 1; p <= points_n; p++) {
        point = points[p]; lru = sum["global-lru", point]
        printf "| %s | %.0f | `%s` | %.3f | %.3f | %.3f | %.3f |\n", point, lru / seeds_n, best[point], \
            sum["best", point] / lru, sum["hit-density", point] / lru, \
            sum["lru-min", point] / lru, min[point]
    }
}
