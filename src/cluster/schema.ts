import { z } from 'zod';
import { PROTOCOLS, ROLES } from './cluster.ts';
import {
  certificates,
  databaseName,
  databaseUser,
  domainId,
  flag,
  folder,
  image,
  login,
  memory,
  oneOf,
  registryServer,
  runnerLabel,
  section,
  text,
  volumeName,
} from './kinds.ts';
import { address, bastionText, cidr, ownIpv4, packetSize, port, sharedAddress } from './kinds-network.ts';

/** A default that depends on another key, in words for the reference. */
const depends = (description: string, derived: string) => ({ description, derived });

const bastion = (description: string, derived: string) =>
  z
    .union(
      [
        bastionText(),
        section({
          address: address('bastion.example.org').describe('Address of the bastion as the runner sees it.'),
          user: login().optional().meta(depends('Login on the bastion.', 'the user of `ssh`')),
          port: port().default(22).describe('SSH port of the bastion. 22 is the port of SSH.'),
        }),
      ],
      { error: 'must be a text such as "ops@bastion.example.org:22" or a mapping of address, user, port' },
    )
    .optional()
    .meta(depends(description, derived));

/** Name of a host: as it stands in reports, plans and messages. */
export const HOST_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/;

/** One host of the cluster file. */
export const hostSchema = section({
  address: sharedAddress('10.0.0.11').describe(
    'IPv4 address or DNS name under which the runner and the other hosts reach this host; for a manager an IPv4 address, because Docker advertises nothing else.',
  ),
  roles: z
    .array(oneOf('role', ROLES), {
      error: (issue) =>
        `${issue.input === undefined ? 'is missing (' : 'must be '}a list of roles such as [replica] (${ROLES.join(', ')})${issue.input === undefined ? ')' : ''}`,
    })
    .min(1, `is empty: give the host one role at least (${ROLES.join(', ')})`)
    .describe(
      'What the host is for. `manager`: manages the swarm (1, 3 or 5 hosts). `worker`: is in the swarm and no more. `database`: runs MySQL (one host, none with an external database). `replica`: runs a Kuscia replica (two is usual). `load-balancer`: runs nginx (one host). A host may have several; every host that is no manager is a swarm worker.',
    ),
  user: login()
    .optional()
    .meta(depends("Login on this host. It becomes part of the Kuscia container's name.", '`ssh.user`')),
  port: port().optional().meta(depends('SSH port of this host.', '`ssh.port`')),
  bastion: bastion('Host through which this one is reached, or `none`.', '`ssh.bastion`'),
  sudo: flag()
    .optional()
    .meta(depends('Whether sudo gives each command the group docker, for a login that is not in it.', '`ssh.sudo`')),
  via: oneOf('way to a host', ['ssh', 'local'])
    .default('ssh')
    .describe(
      '`local` runs commands where kuscia-swarm itself runs, without SSH: for a self-hosted runner on this host. ssh because one runner usually reaches all hosts.',
    ),
  runner: z
    .union([runnerLabel(), z.array(runnerLabel()).min(1, 'is empty: name the labels of the runner, or leave it out')], {
      error: 'must be a label or a list of labels, such as [self-hosted, node-01]',
    })
    .optional()
    .meta(
      depends(
        'Label or labels of the self-hosted runner on this host, for the workflows; for a host with `via: local`.',
        'the input `runner` of the workflow',
      ),
    ),
});

/**
 * The cluster file: what may stand in it, what it means and what holds when it is left out. The reference and the JSON
 * Schema are made from this.
 */
export const clusterSchema = section({
  domain: domainId().describe(
    "Id of the Kuscia domain (the party), for example `alice`. At most 20 characters, because it is part of each replica's hostname, which is cut at 63.",
  ),
  image: image('secretflow/kuscia:1.1.0b0').describe(
    'Kuscia image with a tag other than `latest`, or a digest, so that all replicas run the same version.',
  ),
  hosts: z
    .record(z.string().meta({ pattern: HOST_NAME.source }), hostSchema, {
      error: (issue) =>
        issue.input === undefined
          ? 'is missing (the hosts by name)'
          : `${issue.input === null ? 'is empty: ' : ''}must be a mapping of host names to hosts`,
    })
    .describe('The hosts by name. The name stands in plans and reports; it need not be the hostname.'),
  ssh: section({
    user: login()
      .default('root')
      .describe(
        "Login on the hosts: root, or a user in the group docker. root because the tutorial's shell is root's.",
      ),
    port: port().default(22).describe('SSH port of the hosts. 22 is the port of SSH.'),
    sudo: flag()
      .default(false)
      .describe(
        '`true`: each command gets the group docker from sudo (`sudo -n -g docker /bin/sh`), for a login that is not in it. The security page has the line for sudoers. false because root and members of the group need none.',
      ),
    bastion: bastion(
      'Host through which the hosts are reached, as `user@address:port` or a mapping. Its key must be in the known hosts too.',
      'none',
    ),
  })
    .prefault({})
    .describe('How hosts are reached; a host can say otherwise for itself.'),
  network: section({
    subnet: cidr()
      .default('10.200.0.0/24')
      .describe(
        "Subnet of the overlay network. It must be free on every host. 10.200.0.0/24 is private and off the usual ranges; the tutorial's 16.0.0.0/8 is public address space.",
      ),
    'allow-public-subnet': flag()
      .default(false)
      .describe(
        'Lets the subnet lie outside the private ranges of RFC 1918. false because real hosts of that range could then not be reached.',
      ),
    mtu: packetSize()
      .optional()
      .meta(
        depends(
          'Largest packet of the overlay network in bytes, where the network between the hosts carries less than 1500: that less 50 for VXLAN.',
          'what Docker chooses, 1450',
        ),
      ),
    encrypted: flag()
      .optional()
      .meta(
        depends(
          'Whether Docker encrypts what goes from host to host (IPsec, AES-GCM). Between the hosts IP protocol 50 (ESP) must then pass, and packets are 26 bytes smaller.',
          'not encrypted; an existing network may be either',
        ),
      ),
    'probe-image': image('nginx:1.26')
      .optional()
      .meta(
        depends(
          'Image of the probe that tries the network between each pair of hosts; must hold nginx, curl and bash.',
          'the image of `load-balancer`',
        ),
      ),
  })
    .prefault({})
    .describe('The overlay network kuscia-exchange-cluster (kuscia.sh fixes the name).'),
  database: section({
    image: image('mysql:8.0')
      .default('mysql:8.0')
      .describe(
        'MySQL image, 8.0.23 or newer; an external database needs none. mysql:8.0 because Kuscia asks for 8.0.',
      ),
    port: port()
      .default(3306)
      .describe('Port of the database on its host. 3306 is the port of MySQL and of the tutorial.'),
    listen: ownIpv4()
      .optional()
      .meta(
        depends(
          "IPv4 address of the database's host at which that port is published, and at no other: for a host whose `address` is not on an interface of its own, as behind NAT or with a public address of a cloud.",
          'the address of the host',
        ),
      ),
    volume: volumeName()
      .optional()
      .meta(
        depends(
          'Docker volume that holds the data. The tutorial has none and loses the data with the container.',
          '`<domain>-mysql`',
        ),
      ),
    name: databaseName()
      .default('kine')
      .describe('Name of the database. kine as in the tutorial. One domain needs one of its own.'),
    user: databaseUser()
      .default('kuscia')
      .describe(
        'User of the database; it has that database and no other. Not root, which logs in only within the container, with a password of its own. kuscia because nobody else uses it.',
      ),
    tls: z
      .union(
        [
          oneOf('way to prove the server', ['off']),
          section({
            ca: certificates().describe(
              'Certificates of the CA (PEM) that signed the certificate of the server. MySQL makes them itself: `ca.pem` in its data folder.',
            ),
          }),
        ],
        { error: 'must be "off" or a mapping of ca' },
      )
      .default('off')
      .describe(
        "How an external server proves itself to kuscia-swarm before it is given the password: by a CA, or not at all (`off`); then it gets answers to challenges only, out of which nobody reads the password. Kuscia itself connects without TLS either way. off because most servers within a network of one's own have no CA.",
      ),
    external: section({
      address: sharedAddress('10.0.0.20').describe(
        'IPv4 address or DNS name of the server as the containers of the replicas reach it.',
      ),
      port: port().default(3306).describe('Its port. 3306 is the port of MySQL.'),
      name: databaseName().default('kine').describe('Name of the database, which must exist. kine as in the tutorial.'),
      user: databaseUser().default('root').describe('User of the database. root as in the tutorial.'),
    })
      .optional()
      .describe('A MySQL server that somebody else runs. With it no host has the role `database`.'),
  })
    .prefault({})
    .describe(
      'The database that the replicas share: run on the host with role `database`, or external. Its password is the input `database-password`.',
    ),
  ports: section({
    gateway: port()
      .default(20000)
      .describe(
        "Host port of a replica's gateway, the one that peers need (`kuscia.sh -p`). 20000 as in the tutorial.",
      ),
    internal: port()
      .default(20001)
      .describe(
        'Host port of the internal gateway, without authentication: keep it closed to others (`kuscia.sh -q`). 20001 as in the tutorial.',
      ),
    api: port().default(20010).describe('Host port of KusciaAPI over HTTP (`kuscia.sh -k`). 20010 as in the tutorial.'),
    'api-grpc': port()
      .default(20011)
      .describe('Host port of KusciaAPI over gRPC (`kuscia.sh -g`). 20011 as in the tutorial.'),
    metrics: port()
      .default(13084)
      .describe(
        'Host port of the metrics (`kuscia.sh -x`). 13084 is what kuscia.sh takes when nothing is said, as in the tutorial.',
      ),
  })
    .prefault({})
    .describe('Ports that each replica takes on its host.'),
  memory: memory()
    .default('8GiB')
    .describe(
      "Memory limit of a replica, 2GiB at least; units count by 1024 as in `docker run -m`. 8GiB is the tutorial's 8G.",
    ),
  protocol: oneOf('protocol', PROTOCOLS)
    .default('MTLS')
    .describe(
      'How replicas speak: `MTLS` (TLS at the gateway; KusciaAPI wants a client certificate and a token), `TLS` (the same, but KusciaAPI wants the token only) or `NOTLS` (plain HTTP, and KusciaAPI without token). MTLS is what Kuscia does when nothing is said.',
    ),
  'load-balancer': section({
    port: port().default(8080).describe('Port on which nginx listens on its host. 8080 as in the tutorial.'),
    scheme: oneOf('scheme', ['http', 'https'])
      .default('http')
      .describe(
        'What peers speak to the load balancer. `https` needs the inputs `load-balancer-certificate` and `load-balancer-key`. http as in the tutorial.',
      ),
    image: image('nginx:1.26')
      .default('nginx:1.26')
      .describe("nginx image, 1.15.3 or newer. 1.26 is a stable line; the tutorial's `latest` changes under way."),
  })
    .prefault({})
    .describe('nginx in front of the replicas, on the host with role `load-balancer`.'),
  registry: section({
    server: registryServer().describe('Name and perhaps port of the registry.'),
    username: text('ci')
      .min(1, 'is empty')
      .regex(/^[^\s:]*$/, 'must not hold blanks or ":"')
      .describe('Login at the registry.'),
  })
    .optional()
    .describe('A registry that wants a login before images are pulled. The password is the input `registry-password`.'),
  directory: folder()
    .optional()
    .meta(
      depends(
        "Folder on each host for the files of the deployment: absolute, or relative to the login's home. Data and logs of a replica are kept in it.",
        '`kuscia-swarm/<domain>`',
      ),
    ),
});

/** The cluster file as it stands, defaults filled in. */
export type ClusterFile = z.output<typeof clusterSchema>;
export type HostEntry = z.output<typeof hostSchema>;
export type BastionEntry = NonNullable<HostEntry['bastion']>;
