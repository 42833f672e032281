/** An image archive on the machine running kuscia-swarm, as written by `docker save`. */
export interface Archive {
  /** Absolute path. */
  readonly file: string;
  readonly bytes: number;
  readonly images: readonly ArchivedImage[];
}

/** An image in an archive, and how to recognise it on a host that has loaded it. */
export interface ArchivedImage {
  /** As Docker lists it: `nginx:1.26`. */
  readonly name: string;
  /**
   * The ids it may have on a host: the digest of its configuration or of its manifest, depending on the image store.
   */
  readonly ids: readonly string[];
  /**
   * The digests of its unpacked layers, if the archive contains no manifest. An engine that needs a manifest then
   * creates one, with an id that cannot be known in advance.
   */
  readonly layers?: readonly string[];
}
