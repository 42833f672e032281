import type { Api } from './api.ts';
import { comment } from './comments.ts';
import { changedText, healthMark, healthyText, issueText, keptIn, wrongIn } from './health-text.ts';
import { isMarked } from './markdown.ts';
import { ApiError } from './refusal.ts';
import type { Health } from './request.ts';
import type { GithubReporter } from './reporter.ts';

/** An issue, as far as it is read here. */
interface Issue {
  readonly number: number;
  readonly body?: string | null | undefined;
  readonly html_url: string;
  readonly created_at: string;
  readonly user: { readonly login: string } | null;
  readonly labels: readonly (string | { readonly name?: string | undefined })[];
}

/**
 * Whether the verification came to no end of its own, and not because a job before it failed: then nothing is known,
 * and nobody need be told.
 */
export const sawNothing = ({ result, failed }: Health): boolean =>
  result === 'cancelled' || (result === 'skipped' && failed.length === 0);

/**
 * Whether all of it says that the domain is as described. What works and is not described is a warning of the
 * verification, and an issue here.
 */
const isHealthy = ({ result, failed, matrix, failures }: Health): boolean =>
  result === 'success' &&
  failed.length === 0 &&
  failures.length === 0 &&
  matrix?.healthy === true &&
  (matrix.warnings ?? []).length === 0;

/** Keeps one open issue for a domain that is not as described, and none for one that is. */
export async function reportHealth(health: Health, api: Api, teller: GithubReporter, now: number): Promise<void> {
  const keeper = new Keeper(health, api, teller, now);
  const issue = await keeper.only();
  const url = isHealthy(health) ? await keeper.healthy(issue) : await keeper.notHealthy(issue);
  teller.output('issue-url', url);
}

class Keeper {
  readonly #health: Health;
  readonly #api: Api;
  readonly #teller: GithubReporter;
  readonly #now: number;
  readonly #repository: { readonly owner: string; readonly repo: string };

  constructor(health: Health, api: Api, teller: GithubReporter, now: number) {
    this.#health = health;
    this.#api = api;
    this.#teller = teller;
    this.#now = now;
    this.#repository = { owner: api.place.owner, repo: api.place.repo };
  }

  /** The oldest open issue of the domain. Others, which two runs at once can make, are closed with a note. */
  async only(): Promise<Issue | undefined> {
    const [oldest, ...others] = await this.#open();
    for (const { number } of others) {
      await comment(
        this.#api,
        number,
        this.#mark('duplicate'),
        `The same as #${oldest?.number}, which was there before; it is kept up to date in this one's place.`,
      );
      await this.#close(number, 'not_planned');
      this.#teller.say(`closed #${number}: the same as #${oldest?.number}`);
    }
    return oldest;
  }

  /** Closes the issue, where there is one. Gives its address. */
  async healthy(issue: Issue | undefined): Promise<string> {
    const { domain, matrix } = this.#health;
    if (!issue || !matrix) {
      this.#teller.say(`${domain} is healthy, and no issue is open`);
      return '';
    }
    const looks = keptIn(issue.body ?? '')?.looks ?? 1;
    await comment(
      this.#api,
      issue.number,
      this.#mark('healthy'),
      healthyText(matrix, Date.parse(issue.created_at), looks, this.#api.place),
    );
    await this.#close(issue.number, 'completed');
    this.#teller.say(`${domain} is healthy: closed ${issue.html_url}`);
    return issue.html_url;
  }

  /** Opens the issue or writes its text anew. Gives its address. */
  async notHealthy(issue: Issue | undefined): Promise<string> {
    const { domain } = this.#health;
    if (!issue) {
      const opened = await this.#opened();
      this.#teller.say(`${domain} is not as described: opened ${opened.html_url}`);
      return ((await this.only()) ?? opened).html_url;
    }
    const kept = keptIn(issue.body ?? '');
    const wrong = wrongIn(this.#health);
    const changed = kept?.wrong !== wrong;
    if (changed)
      await comment(
        this.#api,
        issue.number,
        this.#mark('changed'),
        changedText(this.#health, this.#api.place, this.#teller.docs),
      );
    const body = this.#text(Date.parse(issue.created_at), (kept?.looks ?? 1) + 1);
    await this.#api.rest.issues.update({ ...this.#repository, issue_number: issue.number, body });
    this.#teller.say(
      `${domain} is not as described${changed ? ', in another way than before' : ', as before'}: rewrote ` +
        `${issue.html_url}`,
    );
    return issue.html_url;
  }

  /**
   * Open issues of the domain that are our own, oldest first. Anyone can write our mark, and who wrote an issue can
   * change it after us.
   */
  async #open(): Promise<Issue[]> {
    const { paginate, rest } = this.#api;
    const issues = await paginate(rest.issues.listForRepo, {
      ...this.#repository,
      state: 'open',
      labels: this.#health.label,
      sort: 'created',
      direction: 'asc',
      per_page: 100,
    });
    const mark = healthMark(this.#health.domain);
    const candidates = issues
      .filter(({ body, pull_request: pullRequest }) => pullRequest === undefined && isMarked(body, mark))
      .sort((a, b) => a.number - b.number);
    if (candidates.length === 0) return [];
    const self = await this.#api.self();
    const [own, foreign] = [
      candidates.filter(({ user }) => user?.login === self),
      candidates.filter(({ user }) => user?.login !== self),
    ];
    for (const { number, user } of foreign)
      this.#teller.say(
        `#${number} has the mark of ${this.#health.domain}, but is from ${user?.login ?? 'nobody'} and not from ` +
          `${self}: it is left alone`,
      );
    return own;
  }

  async #opened(): Promise<Issue> {
    const { domain, label } = this.#health;
    await this.#makeLabel();
    const issue = await this.#api.once<Issue>(
      async () =>
        (
          await this.#api.rest.issues.create({
            ...this.#repository,
            title: `${domain} is not as described`,
            body: this.#text(this.#now, 1),
            labels: [label],
          })
        ).data,
      async () => (await this.#open())[0],
    );
    if (
      issue.labels.some(
        (each) => (typeof each === 'string' ? each : (each.name ?? '')).toLowerCase() === label.toLowerCase(),
      )
    )
      return issue;
    // GitHub drops labels without a word where the token may not set them; unlabelled, the issue would not be found
    // again.
    await this.#close(issue.number, 'not_planned');
    throw new ApiError(
      {
        code: 'github-refused',
        what: `GitHub did not put the label ${label} on the issue, which was closed again`,
        evidence: issue.html_url,
        remedy: 'Use a token that may set labels, such as github.token with the permission issues: write.',
      },
      403,
    );
  }

  /** Makes the label; a 422 says that it is there already. */
  async #makeLabel(): Promise<void> {
    const label = {
      name: this.#health.label,
      color: 'b60205',
      description: 'A domain is not as its cluster file describes it',
    };
    try {
      await this.#api.once(
        () => this.#api.rest.issues.createLabel({ ...this.#repository, ...label }),
        () => Promise.resolve(undefined),
      );
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || thrown.refused !== 422) throw thrown;
    }
  }

  async #close(issue_number: number, state_reason: 'completed' | 'not_planned'): Promise<void> {
    await this.#api.rest.issues.update({ ...this.#repository, issue_number, state: 'closed', state_reason });
  }

  #text(first: number, looks: number): string {
    return issueText({
      health: this.#health,
      place: this.#api.place,
      docs: this.#teller.docs,
      first,
      now: this.#now,
      kept: { looks, wrong: wrongIn(this.#health) },
    });
  }

  /** By what a comment of this run is found again. */
  #mark(of: string): string {
    return `<!-- kuscia-swarm run: ${this.#api.place.runId}.${this.#api.place.attempt} ${of} -->`;
  }
}
