# Of what `cilium-health status -o json` prints, keeps the nodes that do not answer, at most 50 of them,
# and adds how many others there are. It prints two spaces for each level. The last line is
# `exit CODE`, and it ends with that code.
/^exit [0-9]+$/ { code = $2; next }
/^    \{$/ { inside = 1; node = ""; bad = 0 }
inside {
    line = $0
    ends = line ~ /^    \},?$/
    if (ends) line = "    }"
    if (line ~ /"status": "[^"]/) bad = 1
    node = node line "\n"
    if (ends) {
        inside = 0
        if (bad && kept < 50) { printf "%s%s", kept++ ? "," : "", node }
        else if (bad) silent++
        else answering++
    }
    next
}
# Nothing is added to what is printed in another form.
/^\}$/ && kept + silent + answering { printf ",\"answering\":%d,\"more-silent\":%d\n", answering, silent }
{ print }
END { exit code }
