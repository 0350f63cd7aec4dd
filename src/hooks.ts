/** Sets a clone up, and takes it back: git merges logs by event id, and native commits are noted as soon as they are made. */
import { healGitConfig } from './project/git/git-config-edit.ts'
import {
  findHookFolder,
  healHook,
  installHook,
  lookAtHook,
  uninstallHook,
} from './project/hooks/hook-files.ts'
import { HOOKS } from './project/hooks/hook-script.ts'
import { gatherLiterals } from './project/literals.ts'
import { locateRepository } from './project/git/locate.ts'
import {
  ATTRIBUTES_FILE,
  DRIVERS,
  healAttributes,
  installAttributes,
  installDriver,
  lookAtAttributes,
  lookAtDriver,
  uninstallDriver,
} from './project/hooks/merge-setup.ts'
import type { PartState } from './project/hooks/part-state.ts'
import type { Program } from './project/hooks/program-line.ts'
import { asProjectError } from './project/files/replace-file.ts'
import { withRepositoryLock } from './project/git/repository-lock.ts'
import type { Repository } from './project/types.ts'
import { openLedger } from './workers/git/git-service.ts'

export type SetupPart = PartState & {
  /** `.gitattributes`, `merge.NAME` or the name of a hook. */
  readonly name: string
  readonly changed: boolean
}

type Hand = {
  readonly name: string
  readonly look: () => PartState
  /** Takes away what one left that died over its work. */
  readonly heal: () => void
  readonly install: () => PartState | Promise<PartState>
  readonly uninstall: () => PartState | Promise<PartState>
}

/** Nothing that is the user's is changed; again, it changes nothing. @throws GitError, ProjectError */
export async function installHooks(repository: Repository, program: Program) {
  return change(repository, program, (hand) => hand.install())
}

/** The attributes stay: they are the team's, and harmless. @throws GitError, ProjectError */
export async function uninstallHooks(repository: Repository, program: Program) {
  return change(repository, program, (hand) => hand.uninstall())
}

/** Reads only. @throws GitError GIT_MISSING, GIT_TIMEOUT */
export async function readHooks(
  repository: Repository,
  program: Program,
): Promise<readonly SetupPart[]> {
  const hands = await handsFor(repository, program)
  return hands.map(({ name, look }) => ({ name, ...look(), changed: false }))
}

/**
 * What a hook asks for: the missions' branches are looked at. Nothing is committed, so that the git command which comes next
 * finds no lock of ours. Answers how many commits wait for the hub.
 *
 * @throws GitError, ProjectError
 */
export async function lookAtBranches(root: string): Promise<number> {
  const repository = await locateRepository(root)
  const literals = await gatherLiterals(repository)
  const ledger = openLedger({ repository, literals }, { leavesSeeds: true })
  return (await ledger.frames()).length
}

async function handsFor(repository: Repository, program: Program): Promise<readonly Hand[]> {
  const folder = await findHookFolder(repository)
  return [
    {
      name: ATTRIBUTES_FILE,
      look: () => lookAtAttributes(repository),
      heal: () => healAttributes(repository),
      install: () => installAttributes(repository),
      uninstall: () => lookAtAttributes(repository),
    },
    ...DRIVERS.map((driver) => ({
      name: `merge.${driver}`,
      look: () => lookAtDriver(repository, driver, program),
      heal: () => healGitConfig(repository),
      install: () => installDriver(repository, driver, program),
      uninstall: () => uninstallDriver(repository, driver, program),
    })),
    ...HOOKS.map((hook) => ({
      name: hook,
      look: () => lookAtHook(folder, hook, program),
      heal: () => healHook(folder, hook),
      install: () => installHook(folder, hook, program),
      uninstall: () => uninstallHook(folder, hook),
    })),
  ]
}

async function change(
  repository: Repository,
  program: Program,
  work: (hand: Hand) => PartState | Promise<PartState>,
): Promise<readonly SetupPart[]> {
  const hands = await handsFor(repository, program)
  return withRepositoryLock(repository.commonDir, 'setup', async () => {
    const parts: SetupPart[] = []
    for (const hand of hands) {
      heal(hand)
      const before = hand.look().state
      const after = await work(hand)
      parts.push({ name: hand.name, ...after, changed: before !== after.state })
    }
    return parts
  })
}

function heal(hand: Hand): void {
  try {
    hand.heal()
  } catch (error) {
    throw asProjectError(error)
  }
}
