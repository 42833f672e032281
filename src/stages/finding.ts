/** Something about a host that does not fit; advice does not stop a run. */
export interface Finding {
  readonly what: string;
  readonly evidence?: string;
  readonly cause?: string;
  readonly remedy: string;
  readonly advice?: true;
}
