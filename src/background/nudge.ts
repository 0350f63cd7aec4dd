/**
 * What a command that recorded something leaves behind: the project's entry, and a word to the background process,
 * which is started where all that it needs is there. Never an error, and never waited for.
 */
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '../project/config/config.ts'
import { identityOrNull } from '../project/identity.ts'
import { locateRepository } from '../project/git/locate.ts'
import { readLogin } from '../project/login/login.ts'
import { makeFolders } from '../project/files/make-folders.ts'
import { packageVersion } from '../project/program-files.ts'
import { readAutoStart } from '../project/config/settings.ts'
import { stateDirectory } from '../project/state-directory.ts'
import { outboxOfProject, readOutbox } from '../read-outbox.ts'
import { say } from './control-client.ts'
import { readOwner } from './owner-record.ts'
import { placesOf } from './places.ts'
import { addEntry, type Entry, entryNames, readEntry, removeEntry } from './registry.ts'
import { IDLE_S, startDetached } from './start.ts'
import { isOlder } from './version-order.ts'

const HEARD_WITHIN_MS = 5
const YIELDED_WITHIN_MS = 200
/** As long as a runtime takes to stop, and a little more. */
const RELEASED_WITHIN_MS = 5_000
/** One that doesn't come up isn't started by each command anew. */
const START_AGAIN_AFTER_MS = 2_000

/** For the project around `cwd`, where it has an identity. */
export async function nudgeProject(cwd: string): Promise<void> {
  try {
    const entry = await rememberProject(cwd)
    if (entry === null) return
    const state = stateDirectory(process.env)
    const places = placesOf(state)
    const said = await say(places, { type: 'nudge', project: entry.uuid }, HEARD_WITHIN_MS)
    if (said.state !== 'refused' && !isSuperseded(places.owner)) return
    if (mayStart(state, entry) && isFirst(places.started)) startAtExit(state)
  } catch {
    // What was recorded is durable, and the next command says it again.
  }
}

/** Its start would take the processor from what this command still has to do. */
function startAtExit(state: string): void {
  process.once('exit', () => {
    try {
      startDetached(state, IDLE_S)
    } catch {
      // The next command tries again.
    }
  })
}

/** Before the project around `cwd` is delivered by hand. Never throws. */
export async function askForLink(cwd: string): Promise<void> {
  const entry = await rememberProject(cwd)
  if (entry === null) return
  const places = placesOf(stateDirectory(process.env))
  await say(places, { type: 'yield', project: entry.uuid }, YIELDED_WITHIN_MS)
}

/** Before a project is removed from the state directory: its entries go, and whoever has it open closes it. */
export async function letGo(state: string, project: string): Promise<void> {
  const places = placesOf(state)
  for (const name of entryNames(places.projects)) {
    const entry = readEntry(join(places.projects, name))
    if (entry?.uuid === project) removeEntry(places.projects, entry)
  }
  await say(places, { type: 'release', project }, RELEASED_WITHIN_MS)
}

/** Enters the project around `cwd`; null where there is none with an identity. Never throws. */
export async function rememberProject(cwd: string): Promise<Entry | null> {
  try {
    const repository = await locateRepository(cwd)
    const identity = await identityOrNull(repository)
    if (identity === null) return null
    const entry = { root: repository.root, uuid: identity.uuid }
    const { projects } = placesOf(stateDirectory(process.env))
    makeFolders(projects, 0o700)
    addEntry(projects, entry)
    return entry
  } catch {
    return null
  }
}

/** Whether the one that runs is older than this program, which then takes its place. */
function isSuperseded(path: string): boolean {
  const reading = readOwner(path)
  return reading.state === 'present' && isOlder(reading.record.version, packageVersion())
}

/** Consent is looked up last: it costs most, and only where nothing runs. */
function mayStart(state: string, { root, uuid }: Entry): boolean {
  if (process.env['KITTIWAKE_AUTO_START'] === '0') return false
  if (!readAutoStart(readConfig(root)) || readLogin(state).state !== 'present') return false
  return readOutbox(outboxOfProject(state, uuid), (reader) => reader.consent() === 'granted')
}

/** Of the commands of the last two seconds; a clock that was moved counts as long ago. */
function isFirst(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) < START_AGAIN_AFTER_MS) return false
  writeFileSync(path, '', { mode: 0o600 })
  return true
}
