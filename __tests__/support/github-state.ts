/** The permissions of a job's token; https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#permissions */
export type Permission = 'none' | 'read' | 'write';

export interface StateOptions {
  readonly repository?: string;
  readonly token?: string;
  readonly permissions?: Partial<Permissions>;
  /** Milliseconds of its clock; by default that of the machine. */
  readonly now?: () => number;
}

export interface Permissions {
  issues: Permission;
  'pull-requests': Permission;
  actions: Permission;
}

export interface User {
  readonly login: string;
  readonly type: 'Bot' | 'User';
}

export interface Issue {
  readonly number: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  state_reason: string | null;
  labels: string[];
  readonly user: User;
  readonly created_at: string;
  /** Whether it is a pull request: the API lists these among the issues. */
  readonly isPullRequest: boolean;
}

export interface Comment {
  readonly id: number;
  readonly issue: number;
  body: string;
  readonly user: User;
  readonly author_association: string;
  readonly created_at: string;
  updated_at: string;
}

export interface Label {
  readonly name: string;
  readonly color: string;
  readonly description: string | null;
}

export interface Artifact {
  readonly id: number;
  readonly name: string;
  readonly run: number;
  readonly expired: boolean;
}

/** GITHUB_TOKEN writes as this app. */
export const BOT: User = { login: 'github-actions[bot]', type: 'Bot' };

/** One repository as the API sees it. Tests read it, and change it as people would. */
export class GithubState {
  /** In lower case, as the paths of requests are compared. */
  readonly repository: string;
  readonly id = 1296269;
  readonly token: string;
  readonly permissions: Permissions;
  readonly issues: Issue[] = [];
  readonly comments: Comment[] = [];
  readonly labels: Label[] = [{ name: 'bug', color: 'd73a4a', description: "Something isn't working" }];
  readonly artifacts: Artifact[] = [];
  /** Environments, with how many must approve; undefined for one without that rule. */
  readonly environments = new Map<string, { readonly reviewers?: number }>();
  readonly now: () => number;
  /** Whom the token writes as. */
  login = BOT.login;
  /** Whether issues are turned on. */
  hasIssues = true;
  /** Whether the token may set labels on a new issue; otherwise GitHub silently drops them. */
  setsLabels = true;
  url = '';
  #last = 0;

  constructor({
    repository = 'acme/clusters',
    token = 'ghs_0123456789abcdefghijABCDEFGHIJ012345',
    permissions = {},
    now = Date.now,
  }: StateOptions) {
    this.repository = repository.toLowerCase();
    this.token = token;
    this.permissions = { issues: 'write', 'pull-requests': 'write', actions: 'write', ...permissions };
    this.now = now;
  }

  addIssue(issue: {
    readonly title: string;
    readonly body?: string | null;
    readonly labels?: readonly string[];
    readonly user?: User;
    readonly isPullRequest?: boolean;
  }): Issue {
    const { title, body = null, labels = [], user = { login: 'octocat', type: 'User' }, isPullRequest = false } = issue;
    const added: Issue = {
      number: this.issues.length + 1,
      title,
      body,
      labels: [...labels],
      user,
      isPullRequest,
      state: 'open',
      state_reason: null,
      created_at: this.time(),
    };
    this.issues.push(added);
    // A missing label is created, with only its name.
    for (const name of labels) if (!this.hasLabel(name)) this.labels.push({ name, color: 'ededed', description: null });
    return added;
  }

  hasLabel(name: string): boolean {
    return this.labels.some((known) => known.name.toLowerCase() === name.toLowerCase());
  }

  addComment(
    issue: number,
    body: string,
    user: User = BOT,
    association = user.type === 'Bot' ? 'NONE' : 'CONTRIBUTOR',
  ): Comment {
    const at = this.time();
    const added: Comment = {
      id: this.#next(),
      issue,
      body,
      user,
      author_association: association,
      created_at: at,
      updated_at: at,
    };
    this.comments.push(added);
    return added;
  }

  addArtifact(name: string, run: number, expired = false): Artifact {
    const added = { id: this.#next(), name, run, expired };
    this.artifacts.push(added);
    return added;
  }

  /** Now, as the API writes it. */
  time(): string {
    return `${new Date(this.now()).toISOString().slice(0, 19)}Z`;
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }
}
