/** The project's identity, its outbox, and the commits that wait. */
import { relative } from 'node:path'
import { counted } from '../contracts/values/counted.ts'
import { UUID_V4_PATTERN } from '../contracts/event.ts'
import { planGate } from '../project/upgrade/gate.ts'
import { readIdentity } from '../project/identity.ts'
import { hubOf, readLogin } from '../project/login/login.ts'
import type { IdentityReading, Repository } from '../project/types.ts'
import { undeliveredOf } from '../read-outbox.ts'
import { readDeferrals } from '../workers/git/logs/dirty-journal.ts'
import { readSyncState } from '../workers/git/frames/sync-state.ts'
import { projectOutbox, repositoryOutbox, type OutboxPlace } from '../workers/store/outbox-place.ts'
import { OutboxReader } from '../workers/store/outbox-reader.ts'
import { type Check, failed, failure, note, ok } from './check.ts'

/** `state` is the state directory; null where it can't be told. */
export async function checkProject(
  repository: Repository,
  state: string | null,
): Promise<readonly Check[]> {
  const reading = await readIdentity(repository)
  return [
    checkIdentity(reading),
    await checkMetadata(repository),
    ...(state === null ? [] : checkOutboxes(state, reading, repository)),
    ...(await checkCommits(repository)),
    ...(state === null ? [] : checkLogin(state)),
  ]
}

function checkOutboxes(
  state: string,
  reading: IdentityReading,
  { commonDir }: Repository,
): readonly Check[] {
  return [
    ...(reading.state === 'present'
      ? checkOutbox(state, projectOutbox(state, reading.identity.uuid))
      : [note('outbox', 'none')]),
    ...checkUnidentified(state, repositoryOutbox(state, commonDir)),
  ]
}

async function checkMetadata({ root }: Repository): Promise<Check> {
  const { exit_code, project, upgrade_hint: hint, rendered_human } = await planGate(root, 'unsafe')
  const [reason = ''] = rendered_human.split('\n')
  if (exit_code !== 0) {
    const command = hint.command === null ? null : `Run \`${hint.command}\`.`
    return failed('metadata', reason, command ?? hint.note ?? '')
  }
  const isStarted = project.state === 'compatible'
  if (isStarted) return ok('metadata', `schema ${project.schema_version ?? ''}`)
  return note('metadata', 'none', 'Run `kittiwake init`.')
}

function checkLogin(state: string): readonly Check[] {
  const login = readLogin(state)
  if (login.state !== 'unusable') return []
  const hint = 'Run `kittiwake auth status`; it says what to do.'
  return login.faults.map((fault) => failed('login', fault, hint))
}

function checkIdentity(reading: IdentityReading): Check {
  if (reading.state === 'absent') return note('identity', 'none', 'Run `kittiwake init`.')
  const hint = 'Mend .kittify/config.yaml, or restore it with git; it is never overwritten.'
  if (reading.state === 'unusable') return failed('identity', reading.faults.join('; '), hint)
  const { slug, uuid } = reading.identity
  if (UUID_V4_PATTERN.test(uuid)) return ok('identity', `${slug} (${uuid})`)
  return failed('identity', 'the uuid of the project is not of version 4: nothing is sent', hint)
}

function checkOutbox(state: string, place: OutboxPlace): readonly Check[] {
  return inspect(state, place, (outbox) => {
    const { pending, inflight, held, delivered, quarantined } = outbox.counts()
    const { undelivered, capacity, isNearlyFull } = outbox.capacityUse()
    const counts = `${pending + inflight} pending, ${held} held, ${delivered} delivered`
    const checks: Check[] = [ok('queue', counts)]
    if (quarantined > 0) {
      const hint =
        'See `kittiwake queue list --state quarantined`, then `kittiwake queue retry` or `kittiwake queue purge`.'
      checks.push(
        failed('queue', counted(quarantined, 'event was refused', 'events were refused'), hint),
      )
    }
    if (!outbox.isCoherent()) {
      const detail = 'the counts and what is sent next contradict each other'
      checks.push(failed('queue', detail, 'Please report it; nothing is lost.'))
    }
    if (isNearlyFull) {
      const detail = `${undelivered} of ${capacity} places are taken`
      checks.push(failed('queue', detail, 'Deliver what waits: see `kittiwake sync status`.'))
    }
    return checks
  })
}

function checkUnidentified(state: string, place: OutboxPlace): readonly Check[] {
  const checks = inspect(state, place, (outbox) => {
    const waiting = undeliveredOf(outbox.counts())
    if (waiting === 0) return []
    const detail = counted(waiting, 'event waits for an identity', 'events wait for an identity')
    return [note('queue', detail, 'Run `kittiwake init`.')]
  })
  return checks.filter(({ state }) => state !== 'ok')
}

function inspect(
  state: string,
  { path, owner }: OutboxPlace,
  read: (outbox: OutboxReader) => readonly Check[],
): readonly Check[] {
  const place = `${relative(state, path)} in the state directory`
  let outbox: OutboxReader | null = null
  try {
    const hub = hubOf(readLogin(state))
    outbox = OutboxReader.open({ path, owner, ...(hub === undefined ? {} : { hub }) })
    if (!outbox.isWhole()) {
      const hint = 'Keep a copy of the file, then move it away to begin anew.'
      return [failed('outbox', `the database is damaged: ${place}`, hint)]
    }
    const damaged = outbox.damaged()
    if (damaged === 0) return [ok('outbox', 'intact'), ...read(outbox)]
    const hint = 'They are never sent; `kittiwake queue list` shows them as unreadable.'
    const found = counted(damaged, 'event is damaged', 'events are damaged')
    return [failed('outbox', `${found}: ${place}`, hint), ...read(outbox)]
  } catch (error) {
    const found = failure('outbox', error)
    return [{ ...found, detail: `${found.detail}: ${place}` }]
  } finally {
    outbox?.close()
  }
}

async function checkCommits({ root, commonDir }: Repository): Promise<readonly Check[]> {
  const checks: Check[] = []
  for (const { mission, reason, message } of await readDeferrals(commonDir)) {
    if (reason === 'not_committed_yet') {
      const hint = 'The next writing command makes it.'
      checks.push(note('commit', `${mission}: an answer waits for its commit`, hint))
      continue
    }
    const hint = `${message} The next writing command tries again.`
    checks.push(failed('commit', `${mission}: ${reason}`, hint))
  }
  if ((await readSyncState(root)).damaged) {
    const hint = 'The next writing command sets it aside and rebuilds it from git.'
    checks.push(note('commit', '.kittify/sync-state.json can not be read', hint))
  }
  return checks
}
