/** A clone with a mission, somebody else's clone, and the repository that both push to: what native git makes of them. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { LedgerRepository } from './ledger-repository.ts'

export class CloneWorld {
  readonly own = new LedgerRepository()
  readonly mission = this.own.createMission('first')
  readonly branch = this.own.branch(this.mission)
  readonly ledger: Ledger = this.own.ledger()
  readonly base: string
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-world-')))
  #files = 0

  constructor() {
    this.own.git.git('clone', '-q', '--bare', this.own.root, this.#hub)
    this.git('remote', 'add', '-f', 'origin', this.#hub)
    this.git('config', 'pull.rebase', 'false')
    // Each commit starts one more program else.
    this.git('config', 'maintenance.auto', 'false')
    this.git('branch', '-q', '--set-upstream-to', `origin/${this.branch}`)
    this.base = this.tip()
  }

  /** Somebody else's clone, made when first asked for. */
  get other(): string {
    const other = join(this.#folder, 'other')
    if (!existsSync(other)) this.own.git.git('clone', '-q', '-b', this.branch, this.#hub, other)
    return other
  }

  get #hub(): string {
    return join(this.#folder, 'hub.git')
  }

  get worktree(): string {
    return this.own.placement(this.mission).worktree
  }

  git(...args: string[]): string {
    return this.own.git.gitIn(this.worktree, ...args).trim()
  }

  theirs(...args: string[]): string {
    return this.own.git.gitIn(this.other, ...args).trim()
  }

  tip(): string {
    return this.git('rev-parse', this.branch)
  }

  /** One file of its own, so that nothing ever conflicts. */
  write(folder: string, touching: boolean): void {
    const path = touching ? `kitty-specs/${this.mission}` : 'src'
    this.own.git.write(`${path}/file-${(this.#files += 1)}`, `${this.#files}\n`, folder)
  }

  commit(touching = true): string {
    this.write(this.worktree, touching)
    this.git('add', '-A')
    this.git('commit', '-qm', `Own ${this.#files}`)
    return this.git('rev-parse', 'HEAD')
  }

  /** Somebody else's commit on the shared branch, pushed. */
  theirCommit(touching = true): string {
    this.theirs('fetch', '-q', 'origin')
    this.theirs('reset', '-q', '--hard', `origin/${this.branch}`)
    this.write(this.other, touching)
    this.theirs('add', '-A')
    this.theirs('commit', '-qm', `Their ${this.#files}`)
    this.theirs('push', '-q', '-f', 'origin', `HEAD:${this.branch}`)
    return this.theirs('rev-parse', 'HEAD')
  }

  push(): void {
    this.git('push', '-q', '-f', 'origin', this.branch)
  }

  /** As if what was fetched had been fetched long ago. */
  forgetFetches(): void {
    this.git('reflog', 'expire', '--expire=now', '--all')
    const { gitDir } = this.own.placement(this.mission)
    for (const folder of [gitDir, this.own.commonDir]) {
      rmSync(join(folder, 'FETCH_HEAD'), { force: true })
    }
  }

  async pending(): Promise<string[]> {
    return (await this.ledger.frames()).map(({ git_hash }) => git_hash)
  }

  superseded(): Record<string, string | null> {
    const text = readFileSync(join(this.own.root, '.kittify/sync-state.json'), 'utf8')
    const state = JSON.parse(text) as {
      superseded_local_commits?: { git_hash: string; replaced_by: string | null }[]
    }
    return Object.fromEntries(
      (state.superseded_local_commits ?? []).map(({ git_hash, replaced_by }) => [
        git_hash,
        replaced_by,
      ]),
    )
  }

  loseSyncState(): void {
    rmSync(join(this.own.root, '.kittify/sync-state.json'), { force: true })
  }

  remove(): void {
    this.own.remove()
    rmSync(this.#folder, { recursive: true })
  }
}
