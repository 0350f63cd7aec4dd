/** What is known where and when an event happens; read from small files, never by a process. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Parts } from './parts.ts'
import type { Surroundings } from './events/stamp.ts'
import { readOriginUrl } from './project/git/git-config.ts'
import { readHead } from './project/git/git-files.ts'
import { identityOrNull, readIdentity } from './project/identity.ts'
import { readLogin } from './project/login/login.ts'
import { readMission } from './project/missions/missions.ts'
import { repoSlugOf } from './project/slug.ts'
import type { Identity } from './project/types.ts'

/** Of one runtime: an identity that `init` makes meanwhile is found, and told to the system. */
export function createSurroundings(parts: Parts & { readonly identity: Identity | null }) {
  const { repository, sanitizer, system } = parts
  const missionIdByReference = new Map<string, string>()
  let identity = parts.identity
  // A branch may carry a person's name.
  const [cleanBranch, cleanSlug] = [cleanerOf('git_branch'), cleanerOf('repo_slug')]
  let repoSlug: string | null | undefined

  /** Of an event that names no mission. */
  async function now(): Promise<Surroundings> {
    if (identity === null && existsSync(join(repository.root, '.kittify', 'config.yaml'))) {
      identity = await identityOrNull(repository)
      if (identity !== null) {
        system.identify(identity)
        await system.store.ask({ type: 'store.identify', identity }, 'store.identified')
      }
    }
    repoSlug ??= identity?.repo_slug ?? repoSlugOf(readOriginUrl(repository.commonDir))
    const head = readHead(repository.gitDir, repository.commonDir)
    const login = readLogin(parts.state)
    return {
      identity,
      nodeId: parts.nodeId(),
      teamSlug: login.state === 'present' ? login.login.team_slug : 'local',
      gitBranch: cleanBranch(head.branch),
      headCommitSha: head.oid,
      repoSlug: cleanSlug(repoSlug),
      missionId: null,
    }
  }

  /** The same in the mission that the event names. */
  async function inMission(around: Surroundings, reference: string): Promise<Surroundings> {
    const known = missionIdByReference.get(reference)
    if (known !== undefined) return { ...around, missionId: known }
    const { mission_id: missionId } = await readMission(repository, reference)
    missionIdByReference.set(reference, missionId)
    return { ...around, missionId }
  }

  /** Why an identity that is there can't be used. */
  async function faults(): Promise<readonly string[]> {
    const reading = await readIdentity(repository)
    return reading.state === 'unusable' ? reading.faults : []
  }

  /** Remembers the last one, which is nearly always the next one too. */
  function cleanerOf(field: string): (text: string | null) => string | null {
    let last: { readonly text: string | null; readonly clean: string | null } | null = null
    return (text) => {
      if (last?.text !== text) {
        const { value } = sanitizer.sanitize({ [field]: text })
        last = { text, clean: (value as Record<string, string | null>)[field] ?? null }
      }
      return last.clean
    }
  }

  return { now, inMission, faults }
}
