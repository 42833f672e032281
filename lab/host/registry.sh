#!/bin/bash
# Init of the registry's place.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec tini -- docker-registry serve /etc/docker/registry/lab.yml
