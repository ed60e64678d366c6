# Counts chains, rules and jumps in what iptables-save prints, by table and name. Prints
# TABLE CHAIN CHAINS RULES JUMPS. The last line is `exit CODE`, and it ends with that code.
function group(chain) {
    if (match(chain, /^(KUBE-(SVC|SEP|EXT|XLB|SVL|FW|NWPLCY)-|cali-|ufw-|ufw6-|IN_|FWD_|FWDI_|FWDO_)/)) return substr(chain, 1, RLENGTH) "*"
    if (chain ~ /^(KUBE-|CILIUM_|OLD_CILIUM_|FLANNEL-|DOCKER)/) return chain
    if (chain ~ /^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/) return chain
    return "*"
}
function key(name,  found) {
    found = table " " name
    if (!(found in seen)) {
        if (names >= 200) found = table " *"
        if (!(found in seen)) { seen[found] = 1; names++ }
    }
    return found
}
/^exit [0-9]+$/ { code = $2; next }
/^\*/ { table = substr($1, 2); next }
/^:/ { chains[key(group(substr($1, 2)))]++; next }
/^[-[]/ {
    at = 1
    while ($at ~ /^\[/) at++
    if ($at != "-A" || at == NF) next
    rules[key(group($(at + 1)))]++
    target = ""
    for (at += 2; at < NF; at++) if ($at == "-j" || $at == "-g") target = $(++at)
    if (target != "" && (target = group(target)) != "*") jumps[key(target)]++
}
END {
    if (code == 0) for (name in seen) print name, chains[name] + 0, rules[name] + 0, jumps[name] + 0
    exit code
}
