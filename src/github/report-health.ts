import type { Api } from './api.ts';
import { comment } from './comments.ts';
import { changedText, healthMark, healthyText, issueText, storedStateIn, wrongIn } from './health-text.ts';
import { isMarked } from './markdown.ts';
import { ApiError } from './refusal.ts';
import type { Health } from './request.ts';
import type { GithubReporter } from './reporter.ts';

/** The parts of an issue that are used here. */
interface Issue {
  readonly number: number;
  readonly body?: string | null | undefined;
  readonly html_url: string;
  readonly created_at: string;
  readonly user: { readonly login: string } | null;
  readonly labels: readonly (string | { readonly name?: string | undefined })[];
}

/**
 * Whether the verification was cancelled or skipped without an earlier failure: then the state is unknown, and nothing
 * is reported.
 */
export const sawNothing = ({ result, failed }: Health): boolean =>
  result === 'cancelled' || (result === 'skipped' && failed.length === 0);

/**
 * Whether the domain is as described in every respect. Undescribed running parts are only a warning in the
 * verification, but an issue here.
 */
const isHealthy = ({ result, failed, matrix, failures }: Health): boolean =>
  result === 'success' &&
  failed.length === 0 &&
  failures.length === 0 &&
  matrix?.healthy === true &&
  (matrix.warnings ?? []).length === 0;

/** Maintains one open issue while a domain is not as described, and none otherwise. */
export async function reportHealth(health: Health, api: Api, reporter: GithubReporter, now: number): Promise<void> {
  const keeper = new Keeper(health, api, reporter, now);
  const issue = await keeper.only();
  const url = isHealthy(health) ? await keeper.healthy(issue) : await keeper.notHealthy(issue);
  reporter.output('issue-url', url);
}

class Keeper {
  readonly #health: Health;
  readonly #api: Api;
  readonly #reporter: GithubReporter;
  readonly #now: number;
  readonly #repository: { readonly owner: string; readonly repo: string };

  constructor(health: Health, api: Api, reporter: GithubReporter, now: number) {
    this.#health = health;
    this.#api = api;
    this.#reporter = reporter;
    this.#now = now;
    this.#repository = { owner: api.place.owner, repo: api.place.repo };
  }

  /** The oldest open issue of the domain. Closes others, which concurrent runs can create, with a note. */
  async only(): Promise<Issue | undefined> {
    const [oldest, ...others] = await this.#open();
    for (const { number } of others) {
      await comment(
        this.#api,
        number,
        this.#mark('duplicate'),
        `Duplicate of #${oldest?.number}, which is kept up to date instead.`,
      );
      await this.#close(number, 'not_planned');
      this.#reporter.say(`closed #${number}: duplicate of #${oldest?.number}`);
    }
    return oldest;
  }

  /** Closes the issue, if any. Returns its URL. */
  async healthy(issue: Issue | undefined): Promise<string> {
    const { domain, matrix } = this.#health;
    if (!issue || !matrix) {
      this.#reporter.say(`${domain} is healthy, and no issue is open`);
      return '';
    }
    const looks = storedStateIn(issue.body ?? '')?.looks ?? 1;
    await comment(
      this.#api,
      issue.number,
      this.#mark('healthy'),
      healthyText(matrix, Date.parse(issue.created_at), looks, this.#api.place),
    );
    await this.#close(issue.number, 'completed');
    this.#reporter.say(`${domain} is healthy: closed ${issue.html_url}`);
    return issue.html_url;
  }

  /** Opens the issue or rewrites its text. Returns its URL. */
  async notHealthy(issue: Issue | undefined): Promise<string> {
    const { domain } = this.#health;
    if (!issue) {
      const opened = await this.#opened();
      this.#reporter.say(`${domain} is not as described: opened ${opened.html_url}`);
      return ((await this.only()) ?? opened).html_url;
    }
    const kept = storedStateIn(issue.body ?? '');
    const wrong = wrongIn(this.#health);
    const changed = kept?.wrong !== wrong;
    if (changed)
      await comment(
        this.#api,
        issue.number,
        this.#mark('changed'),
        changedText(this.#health, this.#api.place, this.#reporter.docs),
      );
    const body = this.#text(Date.parse(issue.created_at), (kept?.looks ?? 1) + 1);
    await this.#api.rest.issues.update({ ...this.#repository, issue_number: issue.number, body });
    this.#reporter.say(
      `${domain} is not as described${changed ? ', with changed problems' : ', as before'}: updated ` +
        `${issue.html_url}`,
    );
    return issue.html_url;
  }

  /**
   * Our own open issues of the domain, oldest first. Others could write our mark, and authors can edit their issues
   * later.
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
      this.#reporter.say(
        `#${number} has the mark of ${this.#health.domain}, but was created by ` +
          `${user?.login ?? 'an unknown user'} and not by ${self}: ignored`,
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
    // GitHub silently drops labels if the token may not set them; without its label, the issue would not be found
    // again.
    await this.#close(issue.number, 'not_planned');
    throw new ApiError(
      {
        code: 'github-refused',
        what: `GitHub did not set the label ${label} on the new issue, which was closed again`,
        evidence: issue.html_url,
        remedy: 'Use a token that may set labels, such as github.token with the permission issues: write.',
      },
      403,
    );
  }

  /** Creates the label; a 422 means that it already exists. */
  async #makeLabel(): Promise<void> {
    const label = {
      name: this.#health.label,
      color: 'b60205',
      description: 'A domain does not match its cluster file',
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
      docs: this.#reporter.docs,
      first,
      now: this.#now,
      kept: { looks, wrong: wrongIn(this.#health) },
    });
  }

  /** The mark that identifies a comment of this run. */
  #mark(of: string): string {
    return `<!-- kuscia-swarm run: ${this.#api.place.runId}.${this.#api.place.attempt} ${of} -->`;
  }
}
