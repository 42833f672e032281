/**
 * A cluster file without fault, on which each case changes something. Lines: 1 domain, 2 image, 3 hosts, 4-6 node-01 to
 * node-03, 7 and on: what a case adds.
 */
export const SOUND = `domain: alice
image: secretflow/kuscia:1.1.0b0
hosts:
  node-01: { address: 10.0.0.11, roles: [manager, database, load-balancer] }
  node-02: { address: 10.0.0.12, roles: [replica] }
  node-03: { address: 10.0.0.13, roles: [replica] }
`;

interface Case {
  readonly name: string;
  /** Replaces the first occurrence of a text. */
  readonly swap?: readonly (readonly [string, string])[];
  /** Put behind the sound file. */
  readonly add?: string;
  /** The whole text, in place of the sound file. */
  readonly text?: string;
  /** Each fault: its place and the beginning of its message. All of them, in order. */
  readonly faults: readonly string[];
}

/** Every kind of fault that a cluster file can have, with its message. */
export const CASES: readonly Case[] = [
  {
    name: 'the three faults of the guide, at once',
    swap: [
      ['load-balancer]', 'loadbalancer]'],
      ['10.0.0.13', '10.0.0.12'],
      ['roles: [replica]', 'role: [replica]'],
    ],
    faults: [
      '4:61  hosts.node-01.roles[2]  "loadbalancer" is not a valid role; did you mean "load-balancer"? (manager, worker, database, replica, load-balancer)',
      '5:34  hosts.node-02.role  is not a valid key; did you mean "roles"? (address, roles, user, port, bastion, sudo, via, runner)',
      '6:23  hosts.node-03.address  "10.0.0.12" is already the address of node-02',
    ],
  },

  // YAML
  { name: 'an empty file', text: '', faults: ['1:1  the file is empty'] },
  { name: 'only a comment', text: '# nothing\n', faults: ['1:1  the file is empty'] },
  { name: 'an open bracket', swap: [['[replica] }\n  node-03', '[replica }\n  node-03']], faults: ['5:50  ', '6:3  '] },
  { name: 'a key twice', add: 'domain: bob\n', faults: ['7:1  duplicate key "domain"'] },
  { name: 'a host twice', swap: [['node-03', 'node-02']], faults: ['6:3  duplicate key "node-02"'] },
  { name: 'a tab', add: 'ports:\n\tapi: 1\n', faults: ['8:1  Tabs are not allowed'] },
  { name: 'a second document', add: '---\ndomain: bob\n', faults: ['7:1  a second YAML document starts here'] },
  { name: 'a tag', add: 'memory: !!js/function "x"\n', faults: ['7:9  unknown tag (!...)'] },
  { name: 'an alias of nothing', add: 'memory: *m\n', faults: ['7:9  alias without a preceding anchor'] },
  { name: 'a list as key', add: '? [a]\n: b\n', faults: ['7:3  '] },
  {
    name: 'a merge key, which YAML 1.2 does not have',
    add: '<<: { memory: 9GiB }\n',
    faults: ['7:1  ["<<"]  is not a valid key'],
  },
  { name: 'an alias bomb', text: bomb(), faults: ['1:1  is not valid YAML: Excessive alias count'] },
  {
    name: 'too long a text',
    text: '#'.repeat(40_000),
    faults: ['1:1  the file is too large: 40000 characters; at most 16384'],
  },

  // keys and types
  {
    name: 'required keys',
    text: 'image: a:1\nhosts: {}',
    faults: [
      '1:1  domain  is missing',
      '2:1  hosts  no host has the role "load-balancer"',
      '2:1  hosts  no host has the role "replica"',
      '2:1  hosts  no host has the role "manager"',
      '2:1  hosts  no host has the role "database"',
    ],
  },
  {
    name: 'a misspelt key is reported once',
    swap: [['domain', 'domian']],
    faults: ['1:1  domian  is not a valid key; did you mean "domain"?'],
  },
  {
    name: 'a misspelt section hides what depends on it',
    swap: [['database, ', '']],
    add: 'databse: { external: { address: 10.0.0.20 } }\n',
    faults: ['7:1  databse  is not a valid key; did you mean "database"?'],
  },
  {
    name: 'an unknown key without a similar one',
    add: 'replicas: 2\n',
    faults: ['7:1  replicas  is not a valid key (domain, image,'],
  },
  {
    name: 'empty sections',
    add: 'ports:\nregistry:\n',
    faults: ['7:1  ports  is empty: omit the key', '8:1  registry  is empty: omit the key'],
  },
  {
    name: 'empty hosts',
    text: 'domain: alice\nimage: a:1\nhosts:\n',
    faults: ['3:1  hosts  is empty: must be a mapping'],
  },
  {
    name: 'an address in place of a host',
    swap: [['{ address: 10.0.0.13, roles: [replica] }', '10.0.0.13']],
    faults: ['6:12  hosts.node-03  "10.0.0.13" must be a mapping of address, roles'],
  },
  {
    name: 'a role that is not a list',
    swap: [['roles: [replica]', 'roles: replica']],
    faults: ['5:41  hosts.node-02.roles  "replica" must be a list of roles'],
  },
  {
    name: 'a number for a text',
    swap: [['alice', '123']],
    faults: ['1:9  domain  123 must be text (for example alice); put numbers in quotes'],
  },
  {
    name: 'a text for a flag',
    add: 'network: { allow-public-subnet: "yes" }\n',
    faults: ['7:33  network.allow-public-subnet  "yes" must be true or false'],
  },
  {
    name: 'an item of a section',
    add: 'registry: { server: "https://r.example.org", username: "a b" }\n',
    faults: [
      '7:21  registry.server  "https://r.example.org" is not a valid registry',
      '7:56  registry.username  "a b" must not contain spaces',
    ],
  },
  {
    name: 'a protocol in lower case',
    add: 'protocol: notls\n',
    faults: ['7:11  protocol  "notls" is not a valid protocol; did you mean "NOTLS"? (NOTLS, TLS, MTLS)'],
  },

  // values
  {
    name: 'a reserved domain',
    swap: [['alice', 'kube-system']],
    faults: ['1:9  domain  "kube-system" is reserved by Kuscia'],
  },
  {
    name: 'a domain with a dot',
    swap: [['alice', 'alice.org']],
    faults: ['1:9  domain  "alice.org" is not a valid domain id'],
  },
  {
    name: 'a domain with a final hyphen',
    swap: [['alice', 'alice-']],
    faults: ['1:9  domain  "alice-" is not a valid domain id'],
  },
  {
    name: 'a long domain',
    swap: [['alice', 'a'.repeat(21)]],
    faults: ['1:9  domain  "aaaaaaaaaaaaaaaaaaaaa" has 21 characters; at most 20 are allowed'],
  },
  {
    name: 'an image without tag',
    swap: [[':1.1.0b0', '']],
    faults: ['2:8  image  "secretflow/kuscia" has no tag or digest'],
  },
  {
    name: 'the latest image',
    swap: [['1.1.0b0', 'latest']],
    faults: ['2:8  image  "secretflow/kuscia:latest" is not pinned'],
  },
  {
    name: 'a registry port is no tag',
    swap: [['secretflow/kuscia:1.1.0b0', 'registry.example.org:5000/kuscia']],
    faults: ['2:8  image  "registry.example.org:5000/kuscia" has no tag'],
  },
  {
    name: 'a host name that is a number',
    swap: [['node-03', '3']],
    faults: ['6:3  hosts.3  "3" is not a valid host name'],
  },
  {
    name: "a host named like an object's own",
    swap: [['node-03', '__proto__']],
    faults: ['6:3  hosts.__proto__  "__proto__" is not a valid host name'],
  },
  {
    name: 'an address out of range',
    swap: [['10.0.0.13', '10.0.0.256']],
    faults: ['6:23  hosts.node-03.address  "10.0.0.256" is not a valid IPv4 address or DNS name'],
  },
  {
    name: 'an address with port',
    swap: [['10.0.0.13', '"10.0.0.13:22"']],
    faults: [
      '6:23  hosts.node-03.address  "10.0.0.13:22" is not a valid IPv4 address or DNS name (for example 10.0.0.11); IPv6 addresses',
    ],
  },
  {
    name: 'loopback addresses',
    swap: [
      ['10.0.0.12', 'localhost'],
      ['10.0.0.13', '127.0.1.1'],
    ],
    faults: [
      '5:23  hosts.node-02.address  "localhost" means a different machine',
      '6:23  hosts.node-03.address  "127.0.1.1" means a different machine',
    ],
  },
  {
    name: 'ports out of range',
    add: 'ports: { gateway: 0, internal: 65536, api: 1.5, api-grpc: "1" }\n',
    faults: [
      '7:19  ports.gateway  0 is not a valid port',
      '7:32  ports.internal  65536 is not a valid port',
      '7:44  ports.api  1.5 is not a valid port',
      '7:59  ports.api-grpc  "1" is not a valid port',
    ],
  },
  {
    name: 'memory without unit',
    add: 'memory: 8589934592\n',
    faults: ['7:9  memory  8589934592 is not a valid memory size'],
  },
  { name: 'too little memory', add: 'memory: 2047MiB\n', faults: ['7:9  memory  "2047MiB" is too small'] },
  {
    name: 'a subnet whose address is not its first',
    add: 'network: { subnet: 10.200.0.1/24 }\n',
    faults: ['7:20  network.subnet  "10.200.0.1/24" is not a network address; did you mean "10.200.0.0/24"?'],
  },
  {
    name: 'a subnet without prefix',
    add: 'network: { subnet: 10.200.0.0 }\n',
    faults: ['7:20  network.subnet  "10.200.0.0" is not a valid IPv4 subnet'],
  },
  {
    name: 'a subnet too small for any',
    add: 'network: { subnet: 10.200.0.0/30 }\n',
    faults: ['7:20  network.subnet  "10.200.0.0/30" must have a prefix from'],
  },
  {
    name: 'TLS to a database of its own',
    add: 'database: { tls: off }\n',
    faults: ['7:13  database.tls  has no effect without "database.external"'],
  },
  {
    name: 'an invalid CA',
    add: 'database: { tls: { ca: ca.pem }, external: { address: db.example } }\n',
    faults: ['7:24  database.tls.ca  "ca.pem" must contain only PEM certificates'],
  },
  {
    name: 'a key in place of a CA, which is not shown',
    add: 'database:\n  tls:\n    ca: |\n      -----BEGIN PRIVATE KEY-----\n      MIIEvQ\n  external: { address: db.example }\n',
    faults: ['9:9  database.tls.ca  a PEM text must contain only PEM certificates'],
  },
  {
    name: 'TLS by another word',
    add: 'database: { tls: on, external: { address: db.example } }\n',
    faults: ['7:18  database.tls  "on" is not a valid TLS setting'],
  },
  {
    name: 'an invalid bastion',
    add: 'ssh: { bastion: "a@b:99999" }\n',
    faults: ['7:17  ssh.bastion  "a@b:99999" is not a valid bastion'],
  },
  {
    name: 'a bastion in parts',
    add: 'ssh: { bastion: { adress: b, port: 0 } }\n',
    faults: [
      '7:19  ssh.bastion.adress  is not a valid key; did you mean "address"?',
      '7:36  ssh.bastion.port  0 is not a valid port',
    ],
  },
  {
    name: 'a bastion that is a list',
    add: 'ssh: { bastion: [b] }\n',
    faults: ['7:17  ssh.bastion  a list must be text such as'],
  },
  { name: 'a folder with a step up', add: 'directory: ../x\n', faults: ['7:12  directory  "../x" must not contain'] },
  {
    name: 'a folder with a tilde',
    add: 'directory: ~/x\n',
    faults: ['7:12  directory  "~/x" is not a valid directory'],
  },
  {
    name: 'a user that no container name can contain',
    add: 'ssh: { user: "a b" }\n',
    faults: ['7:14  ssh.user  "a b" is not a valid login name'],
  },
  {
    name: 'a database user that breaks kuscia.sh',
    add: 'database: { user: app-mode }\n',
    faults: ['7:19  database.user  "app-mode" ends with "mode"'],
  },
  {
    name: 'a folder for a volume',
    add: 'database: { volume: /var/lib/mysql }\n',
    faults: ['7:21  database.volume  "/var/lib/mysql" is not a valid volume name'],
  },

  // between keys
  {
    name: 'no manager',
    swap: [['manager, ', '']],
    faults: ['3:1  hosts  no host has the role "manager"; there must be 1, 3 or 5'],
  },
  {
    name: 'two managers',
    swap: [['[replica]', '[manager, replica]']],
    faults: ['3:1  hosts  2 hosts have the role "manager"; there must be 1, 3 or 5'],
  },
  {
    name: 'a manager that is a worker',
    swap: [['[manager', '[worker, manager']],
    faults: ['4:42  hosts.node-01.roles[0]  "worker" conflicts with "manager"'],
  },
  {
    name: 'a role twice',
    swap: [['[replica]', '[replica, replica]']],
    faults: ['5:51  hosts.node-02.roles[1]  "replica" is listed twice'],
  },
  {
    name: 'no role',
    swap: [['[replica]', '[]']],
    faults: ['5:41  hosts.node-02.roles  a list is empty: give the host at least one role'],
  },
  {
    name: 'no replica',
    swap: [
      ['[replica]', '[worker]'],
      ['[replica]', '[worker]'],
    ],
    faults: ['3:1  hosts  no host has the role "replica"'],
  },
  {
    name: 'two load balancers',
    swap: [['[replica]', '[replica, load-balancer]']],
    faults: ['5:51  hosts.node-02.roles[1]  "load-balancer" is already assigned to node-01'],
  },
  {
    name: 'two databases',
    swap: [['[replica]', '[replica, database]']],
    faults: ['5:51  hosts.node-02.roles[1]  "database" is already assigned to node-01'],
  },
  {
    name: 'no database',
    swap: [['database, ', '']],
    faults: ['3:1  hosts  no host has the role "database"; exactly one is required (or define "database.external"'],
  },
  {
    name: 'an external database beside a managed one',
    add: 'database: { external: { address: 10.0.0.20 } }\n',
    faults: ['4:51  hosts.node-01.roles[1]  "database" conflicts with "database.external"'],
  },
  {
    name: 'keys of a managed database with an external one',
    swap: [['database, ', '']],
    add: 'database: { volume: v1, port: 1, external: { address: db.example.org } }\n',
    faults: [
      '7:13  database.volume  has no effect',
      '7:25  database.port  has no effect with an external database; move it under "external"',
    ],
  },
  {
    name: 'root as the user of a managed database',
    add: 'database: { user: root }\n',
    faults: ['7:19  database.user  "root" can log in only inside the database container'],
  },
  {
    name: 'a name at which the database is to be published',
    add: 'database: { listen: db.example.org }\n',
    faults: ['7:21  database.listen  "db.example.org" is not a valid IPv4 address'],
  },
  {
    name: 'every address at which the database is to be published',
    add: 'database: { listen: 0.0.0.0 }\n',
    faults: ['7:21  database.listen  "0.0.0.0" means a different machine on each host'],
  },
  {
    name: 'an external database on loopback',
    swap: [['database, ', '']],
    add: 'database: { external: { address: 127.0.0.1 } }\n',
    faults: ['7:34  database.external.address  "127.0.0.1" means a different machine'],
  },
  {
    name: 'a manager by name',
    swap: [['10.0.0.11', 'a.example.org']],
    faults: ['4:23  hosts.node-01.address  "a.example.org" is a DNS name; a manager needs an IPv4 address'],
  },
  {
    name: 'keys of SSH without SSH',
    swap: [['roles: [replica]', 'roles: [replica], via: local, user: u, port: 22']],
    faults: ['5:64  hosts.node-02.user  has no effect', '5:73  hosts.node-02.port  has no effect'],
  },
  {
    name: 'one port for two purposes of a replica',
    add: 'ports: { api: 20000 }\n',
    faults: ['7:15  ports.api  port 20000 is already used by the gateway (ports.gateway) on node-02, node-03'],
  },
  {
    name: 'the load balancer on a port of the swarm',
    add: 'load-balancer: { port: 2377 }\n',
    faults: ["7:24  load-balancer.port  port 2377 is already used by the swarm's managers on node-01"],
  },
  {
    name: 'a gateway on a port of the swarm',
    add: 'ports: { gateway: 7946 }\n',
    faults: ["7:19  ports.gateway  port 7946 is already used by the swarm's own traffic on node-02, node-03"],
  },
  {
    name: 'the database on the port of SSH',
    add: 'ssh: { port: 3306 }\n',
    faults: ['7:14  ssh.port  port 3306 is already used by the database (database.port) on node-01'],
  },
  {
    name: 'the load balancer and a replica on one host',
    swap: [['load-balancer]', 'load-balancer, replica]']],
    add: 'load-balancer: { port: 20010 }\n',
    faults: ['7:24  load-balancer.port  port 20010 is already used by KusciaAPI (ports.api) on node-01'],
  },
  {
    name: 'a public subnet',
    add: 'network: { subnet: 16.0.0.0/8 }\n',
    faults: ['7:20  network.subnet  "16.0.0.0/8" is public address space'],
  },
  {
    name: 'a subnet of loopback, even on demand',
    add: 'network: { subnet: 127.0.0.0/8, allow-public-subnet: true }\n',
    faults: ['7:20  network.subnet  "127.0.0.0/8" is not usable for a network'],
  },
  {
    name: 'a subnet that is private in part',
    add: 'network: { subnet: 172.0.0.0/8 }\n',
    faults: ['7:20  network.subnet  "172.0.0.0/8" is public address space'],
  },
  {
    name: 'a subnet that contains hosts',
    add: 'network: { subnet: 10.0.0.0/24 }\n',
    faults: [
      '7:20  network.subnet  "10.0.0.0/24" contains 10.0.0.11 (node-01), 10.0.0.12 (node-02), 10.0.0.13 (node-03)',
    ],
  },
  {
    name: 'a subnet without room',
    add: 'network: { subnet: 10.200.0.0/29 }\n',
    faults: ['7:20  network.subnet  "10.200.0.0/29" is too small: it has 5 usable addresses; 3 hosts need 9'],
  },
  {
    name: 'no room for the hostname',
    swap: [['alice', 'a'.repeat(20)]],
    add: `ssh: { user: ${'u'.repeat(25)} }\n`,
    faults: [
      "7:14  ssh.user  the replica's hostname starts with",
      "7:14  ssh.user  the replica's hostname starts with",
    ],
  },

  // secrets
  {
    name: 'a database password',
    add: 'database: { password: hunter22 }\n',
    faults: ['7:13  database.password  secrets are not allowed in the cluster file'],
  },
  {
    name: 'an SSH key',
    swap: [['roles: [replica]', 'ssh-key: hunter22, roles: [replica]']],
    faults: ['5:34  hosts.node-02.ssh-key  secrets are not allowed in the cluster file'],
  },
  {
    name: 'a registry token',
    add: 'registry: { server: r, username: u, token: hunter22 }\n',
    faults: ['7:37  registry.token  secrets are not allowed in the cluster file'],
  },
  {
    name: 'a certificate',
    add: 'load-balancer: { certificate: hunter22, key: hunter22 }\n',
    faults: [
      '7:18  load-balancer.certificate  secrets are not allowed',
      '7:41  load-balancer.key  secrets are not allowed',
    ],
  },
  {
    name: 'a DSN instead of an address',
    swap: [['database, ', '']],
    add: 'database: { external: { address: "mysql://root:hunter22@tcp(db:3306)/kine" } }\n',
    faults: ['7:34  database.external.address  "mysql://***@tcp(db:3306)/kine" is not a valid IPv4'],
  },
  { name: 'a password that breaks the YAML', add: 'database: { password: "hunter22" hunter22 }\n', faults: ['7:34  '] },
];

/** The text of a case. */
export function textOf({ text, swap = [], add = '' }: Case): string {
  return text ?? swap.reduce((whole, [from, to]) => whole.replace(from, () => to), SOUND) + add;
}

function bomb(): string {
  const levels = 'abcdef'.split('');
  return levels
    .map(
      (name, i) =>
        `${name}: &${name} [${Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*${levels[i - 1]}`)).join(', ')}]`,
    )
    .join('\n');
}
