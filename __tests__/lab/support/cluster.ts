/** Hosts of the cluster that most tests deploy. */
export const HOSTS = ['node-01', 'node-02', 'node-03'];

/** Its cluster file: two replicas, and a host for all that they share. */
export const CLUSTER = `domain: alice
image: secretflow/kuscia:1.1.0b0
hosts:
  node-01: { address: 10.77.0.11, roles: [manager, database, load-balancer] }
  node-02: { address: 10.77.0.12, roles: [replica] }
  node-03: { address: 10.77.0.13, roles: [replica] }
`;
