import { hostsWith, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import { image } from '../docker/facts.ts';
import { ensureImage, knownImage } from '../docker/images.ts';
import { differing, seen, type About } from '../engine/about.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { sha256 } from '../engine/digest.ts';
import { deploymentError, DeploymentError } from '../engine/errors.ts';
import { absent, whyNot, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { Secret } from '../engine/secret.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { writeFile } from '../host/commands.ts';
import { openFile } from '../host/files.ts';
import { makeConfiguration } from '../kuscia/commands.ts';
import {
  dataSource,
  differences,
  fingerprint,
  readConfiguration,
  wantedConfiguration,
  type Configuration,
} from '../kuscia/configuration.ts';
import type { DatabaseState } from '../mysql/facts.ts';
import { askState, databasePlace, stateFailures } from './database.ts';
import { defineStage } from './definition.ts';
import { leaveConfiguration } from './kuscia-outputs.ts';
import { findConfigurations, keyFailures, type OnHost } from './domain-key.ts';

interface Facts {
  readonly files: readonly OnHost[];
  /** Queried on the first replica's host. */
  readonly image: Fact<string>;
  readonly database: Fact<DatabaseState>;
}

/** One configuration with one domain key, generated once; every replica's host has the same bytes. */
export const kusciaInit = defineStage({
  name: 'kuscia-init',
  purpose: {
    english: 'One Kuscia configuration, identical byte for byte on every replica’s host',
    chinese: '一份 Kuscia 配置，在每台副本主机上逐字节相同',
  },
  detail: {
    english:
      'The image itself generates it once. It is never generated again if any host or the database has a record ' +
      'of the domain. It is kept on the hosts in files of mode 0600.',
    chinese:
      '由镜像自身生成一次；只要任一主机或数据库已有该节点（domain）的记录，就不再生成。配置保存在各主机上，文件权限为 0600。',
  },
  needs: ['mysql-up'],
  jobs: { hosts: (cluster) => hostsWith(cluster, 'replica'), order: 'one at a time' },
  inputs: ['database-password', 'registry-password', 'kuscia-config', 'images'],
  leaves: {
    kinds: ['kuscia-configuration', 'provenance'],
    read: leaveConfiguration,
    secrets: ({ configuration }) =>
      configuration ? [readConfiguration(configuration, 'the artifact of kuscia-init').domainKey] : [],
  },
  work: (deployment) => ({
    settleMs: 10_000,
    gather: (ask) => gather(ask, deployment),
    plan: (facts) => planConfiguration(deployment, facts),
  }),
});

async function gather(ask: Ask, deployment: Deployment): Promise<Facts> {
  const { cluster } = deployment;
  const replicas = hostsWith(cluster, 'replica');
  const [files, onImage, database] = await Promise.all([
    Promise.all(
      replicas.map(async (host) => ({
        host,
        file: await ask.ask(host.name, openFile(folders(cluster).config, 'Kuscia configuration')),
      })),
    ),
    replicas[0] ? ask.ask(replicas[0].name, image(cluster.image)) : absent,
    askState(ask, deployment),
  ]);
  for (const { file } of files) {
    const key = file.is === 'present' ? /^domainKeyData: *(\S+)/m.exec(file.value.content.reveal())?.[1] : undefined;
    if (key !== undefined) ask.learn(new Secret('domain key', key));
  }
  return { files, image: onImage, database };
}

/** All existing configurations and the database must have the same key; a key is generated only if none exists. */
export function planConfiguration(deployment: Deployment, facts: Facts): Plan {
  const plan = new Plan();
  const found = findConfigurations(plan, deployment, facts.files);
  plan.failures.push(...keyFailures(deployment.cluster, found, facts.database));
  if (plan.failures.length > 0) return plan;
  const [base] = found;
  if (base === undefined) {
    planGeneration(plan, deployment, facts);
    return plan;
  }
  for (const onHost of facts.files) planFile(plan, deployment, base.configuration, onHost);
  planImage(plan, deployment, facts);
  return plan;
}

/**
 * The image must be on the first replica's host before any replica starts, even if an earlier run generated the
 * configuration: its identity and script are passed on, and every host must match them.
 */
function planImage(plan: Plan, deployment: Deployment, { files: [first], image }: Facts): void {
  if (first === undefined || image.is === 'present') return;
  const [{ name }, wanted] = [first.host, deployment.cluster.image];
  plan.failures.push(...unknownFailures(name, [image]));
  if (image.is === 'absent')
    plan.steps.push({
      host: name,
      change: '+',
      about: { kind: 'create', thing: 'image', name: wanted },
      why: { because: 'held-to-image' },
      apply: (act) => ensureImage(act, name, wanted, deployment),
    });
}

function planGeneration(plan: Plan, deployment: Deployment, { files, image: onFirst }: Facts): void {
  const { cluster } = deployment;
  const [first, ...others] = files;
  if (first === undefined) return;
  const image = knownImage(deployment, cluster.image, onFirst);
  plan.steps.push({
    host: first.host.name,
    change: '+',
    about: { kind: 'create', thing: 'Kuscia configuration', details: { domain: cluster.domain } },
    why: { because: 'no-host-has-one' },
    ...(image && { image }),
    apply: (act) => generate(act, deployment, first.host),
  });
  plan.later.push(
    ...others.map(({ host }) => ({ host: host.name, about: COPY, why: { because: 'after-making' } as const })),
  );
}

/** Generates the domain's key, but only after the database has confirmed that it has no replica of the domain. */
async function generate(act: Act, deployment: Deployment, host: Host): Promise<void> {
  const { cluster } = deployment;
  const place = databasePlace(cluster);
  const database = await askState(act, deployment);
  if (database.is !== 'present') {
    throw deploymentError({
      code: 'database-unreachable',
      host: place.queryHost.name,
      what: 'cannot tell whether the database already contains the domain',
      evidence: whyNot(database),
      remedy: 'Start the database (stage mysql-up), then run again: without its answer no domain key is generated.',
    });
  }
  if (database.value.login === 'refused') {
    throw deploymentError({
      code: 'database-login-refused',
      host: place.queryHost.name,
      what: 'cannot tell whether the database already contains the domain: the server refuses the login',
      evidence: database.value.said,
      remedy: 'Correct the input database-password: without an answer from the database no domain key is generated.',
    });
  }
  const failures = [
    ...(database.value.login === 'accepted' ? [] : stateFailures(cluster, database.value)),
    ...keyFailures(cluster, [], database),
  ];
  if (failures.length > 0) throw new DeploymentError(failures);
  await ensureImage(act, host.name, cluster.image, deployment);
  const generated = new Secret('Kuscia configuration', await act.run(host.name, makeConfiguration(cluster)));
  const configuration = readConfiguration(generated, `the output of ${cluster.image}`, host.name);
  act.learn(configuration.domainKey);
  await writeConfiguration(
    act,
    deployment,
    host,
    wantedConfiguration(configuration, cluster, dataSource(deployment, place.address)),
  );
}

const writeConfiguration = async (act: Act, { cluster }: Deployment, host: Host, content: Secret): Promise<void> =>
  void (await act.run(
    host.name,
    writeFile('write the Kuscia configuration', folders(cluster).config, '0600', content),
  ));

const COPY: About = { kind: 'copy', thing: 'Kuscia configuration' };

function planFile(plan: Plan, deployment: Deployment, base: Configuration, { host, file }: OnHost): void {
  const wanted = wantedConfiguration(
    base,
    deployment.cluster,
    dataSource(deployment, databasePlace(deployment.cluster).address),
  );
  const apply = (act: Act): Promise<void> => writeConfiguration(act, deployment, host, wanted);
  // A changed configuration announces a restart, even though a broken replica may have picked it up by itself by the
  // time of the next stage: that cannot be known now.
  const announceRestart = (): void =>
    void plan.later.push({
      host: host.name,
      stage: 'kuscia-start',
      about: { kind: 'restart', thing: 'replica' },
      why: { because: 'if-running' },
    });
  if (file.is !== 'present') {
    announceRestart();
    plan.steps.push({ host: host.name, change: '+', about: COPY, why: { because: 'absent' }, apply });
  } else if (file.value.content.reveal() !== wanted.reveal()) {
    announceRestart();
    const changed = differences(readConfiguration(file.value.content, host.name), readConfiguration(wanted, host.name));
    plan.steps.push({
      host: host.name,
      change: '~',
      about: { kind: 'write', thing: 'Kuscia configuration' },
      why: differing(...(changed.length > 0 ? changed : [{ field: 'bytes' } as const])),
      apply,
    });
  } else if (file.value.mode !== '600') {
    announceRestart();
    plan.steps.push({
      host: host.name,
      change: '~',
      about: { kind: 'set-mode', thing: 'Kuscia configuration' },
      why: differing({ field: 'mode', from: file.value.mode }),
      apply,
    });
  } else {
    plan.satisfied.push({
      host: host.name,
      about: { kind: 'be-there', thing: 'Kuscia configuration' },
      why: seen(`sha256 ${sha256(wanted).slice(0, 12)}, domain key ${fingerprint(base.publicKey)}`),
    });
  }
}
