/** What is known of a repository, its project and its missions; values only. */

/** Where git keeps things. All paths are absolute and real (symlinks resolved). */
export type Repository = {
  /** The primary checkout; identity and mission metadata live there. */
  readonly root: string
  /** The worktree that the caller stands in: `root` or a linked worktree. */
  readonly worktree: string
  /** The git directory of `worktree`. */
  readonly gitDir: string
  /** The git directory that all worktrees share. */
  readonly commonDir: string
}

/** The block `project` of `.kittify/config.yaml`. */
export type Identity = {
  /** Lower-case, hyphenated, version 4. */
  readonly uuid: string
  readonly slug: string
  /** 12 lower-case hex digits of the machine that minted it. */
  readonly node_id: string
  readonly build_id: string
  readonly repo_slug?: string
}

/** A file of the user's is read totally: it is there, not there, or can't be used; never a throw. */
export type IdentityReading =
  | { readonly state: 'present'; readonly identity: Identity }
  | { readonly state: 'absent' }
  | { readonly state: 'unusable'; readonly faults: readonly string[] }

export type Topology = 'coord' | 'single_branch' | 'lanes' | 'lanes_with_coord'

/** `kitty-specs/<directory>/meta.json`, what this runtime needs of it. */
export type Mission = {
  /** The directory name: `<slug>-<mid8>`. */
  readonly directory: string
  /** ULID. */
  readonly mission_id: string
  readonly slug: string
  readonly topology: Topology
  readonly target_branch: string
  /** Short branch name, or null where the target branch is the mission branch. */
  readonly coordination_branch: string | null
}

/**
 * The one place a mission's ledger lives in: the worktree and the ref that its HEAD names, resolved and asserted
 * together. They are never chosen apart from each other.
 */
export type Placement = {
  readonly mission: Mission
  /** Real path of the worktree that has `ref` checked out. */
  readonly worktree: string
  readonly gitDir: string
  readonly commonDir: string
  /** Full name, `refs/heads/…`. */
  readonly ref: string
  /** Absolute `…/kitty-specs/<directory>` inside `worktree`. */
  readonly missionPath: string
}
