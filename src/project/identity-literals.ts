/** What the sanitizer is told of this machine and its user, so that it can stay pure. */
export type IdentityLiterals = {
  /** Long and short host names. */
  readonly hostnames: readonly string[]
  readonly usernames: readonly string[]
  /** Full names: git `user.name`, the account's full name. */
  readonly names: readonly string[]
  readonly emails: readonly string[]
  /** Home directories, as spelled and as resolved. */
  readonly homes: readonly string[]
  /** Roots of the repository; a path below one becomes repository-relative. */
  readonly roots: readonly string[]
}

export const NO_IDENTITY: IdentityLiterals = {
  hostnames: [],
  usernames: [],
  names: [],
  emails: [],
  homes: [],
  roots: [],
}
