#!/bin/bash
# Whether a deployment is there, whoever made it: run on the first manager (`manager`) or on a replica's host (`replica`). Prints what the hosts must have in common.
set -euo pipefail
image=secretflow/kuscia:1.1.0b0 net=kuscia-exchange-cluster
fail() { echo "end state: $*" >&2; exit 1; }
case $1 in
  manager)
    [ "$(docker node ls --format '{{.Status}}' | sort | uniq -c | xargs)" = '3 Ready' ] || fail 'three Ready nodes'
    [ "$(docker network inspect $net -f '{{.Driver}} {{.Attachable}} {{(index .IPAM.Config 0).Subnet}}')" = 'overlay true 10.200.0.0/24' ] || fail network
    [ "$(docker ps -q --filter ancestor=mysql:8.0 --filter status=running | wc -l)" = 1 ] || fail database
    id=$(docker ps -q --filter ancestor=mysql:8.0 --filter status=running)
    [ "$(docker port "$id")" = '3306/tcp -> 10.77.0.11:3306' ] || fail "the database at its host's address alone"
    [ "$(docker exec "$id" sh -c 'MYSQL_PWD=$(cat /run/secrets/database-root-password) mysql --protocol=socket -u root -N -B -e "SELECT User, Host FROM mysql.user WHERE User IN (\"root\", \"kuscia\") ORDER BY User; SELECT User, Db FROM mysql.db WHERE User = \"kuscia\""' | xargs)" = 'kuscia % root localhost kuscia kine' ] || fail 'the accounts of the database'
    for _ in 1 2 3 4 5 6 7 8; do curl -s -m 5 -o /dev/null -w '%{http_code} ' http://10.77.0.11:8080/; done | grep -qx '\(401 \)\{8\}' || fail 'load balancer answers'
    [ "$(for _ in 1 2 3 4 5 6 7 8; do curl -s -m 5 http://10.77.0.11:8080/; echo; done | grep -o '"instance":"[^"]*"' | sort -u | wc -l)" = 2 ] || fail 'both replicas through the load balancer' ;;
  replica)
    id=$(docker ps -q --filter ancestor=$image --filter status=running --filter network=$net)
    [ "$(wc -w <<<"$id")" = 1 ] || fail 'one replica runs on the network'
    file=$(docker inspect "$id" -f '{{range .Mounts}}{{if eq .Destination "/home/kuscia/etc/conf/kuscia.yaml"}}{{.Source}}{{end}}{{end}}')
    [ "$(stat -c %a "$file")" = 600 ] || fail 'mode of the configuration'
    docker exec "$id" kubectl get nodes --no-headers | grep -cw Ready | grep -qx 2 || fail 'two Ready Kuscia nodes'
    docker inspect "$id" -f '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}}'
    sha256sum <"$file" ;;
esac
