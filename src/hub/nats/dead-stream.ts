/** The dead letters of hubs that share a log: a stream of their own, which forgets the oldest, and of each event all but the last. */
import { z } from 'zod'
import { parseJson } from '../../contracts/json/json.ts'
import type { DeadLetter } from '../entries.ts'
import { DEAD_STREAM } from './connect.ts'
import type { Nats, NatsOptions } from './connect.ts'
import { tokenOf } from '../data/messages.ts'
import { storedMessages } from './stored-messages.ts'
import { withNats } from './with-nats.ts'

const LETTER = z.object({
  team: z.string(),
  event_id: z.string(),
  project_uuid: z.string().nullable(),
  category: z.string(),
  token_id: z.string(),
  refused_at: z.number(),
})
/** No UUID. */
const NO_PROJECT = '-'

/** Says them to the server, and doesn't ask whether it has them. */
export function buryIn({ connection }: Nats, letters: readonly DeadLetter[]): void {
  for (const letter of letters) {
    const { team, project_uuid, event_id } = letter
    connection.publish(
      `${subjectOf(team, project_uuid)}.${tokenOf(event_id)}`,
      JSON.stringify(letter),
    )
  }
}

/** The latest last. @throws LinkError what `withNats` throws */
export async function listShared(options: NatsOptions): Promise<readonly DeadLetter[]> {
  return withNats(options, async (nats) => {
    const consumer = await nats.jetstream.consumers.get(DEAD_STREAM)
    const letters: DeadLetter[] = []
    for await (const message of storedMessages(consumer)) {
      const { data } = LETTER.safeParse(parseJson(message.string()))
      if (data !== undefined) letters.push(data)
    }
    return letters
  })
}

/** Those of a project that is deleted, and of its team those that name none, which may be its own. */
export async function forgetShared(
  { manager }: Nats,
  team: string,
  projectUuid: string,
): Promise<void> {
  for (const project of [projectUuid, null]) {
    await manager.streams.purge(DEAD_STREAM, { filter: `${subjectOf(team, project)}.>` })
  }
}

/** Those that came before a time, in Unix milliseconds. @param project null for those of all */
export async function forgetSharedBefore(
  { jetstream, manager }: Nats,
  before: number,
  project: { readonly team: string; readonly project: string } | null,
): Promise<void> {
  const filter = project === null ? 'dead.>' : `${subjectOf(project.team, project.project)}.>`
  const consumer = await jetstream.consumers.get(DEAD_STREAM, { filter_subjects: filter })
  const old: number[] = []
  for await (const message of storedMessages(consumer)) {
    const { data } = LETTER.safeParse(parseJson(message.string()))
    if (data === undefined || data.refused_at < before) old.push(message.seq)
  }
  for (const seq of old) await manager.streams.deleteMessage(DEAD_STREAM, seq, true)
}

function subjectOf(team: string, projectUuid: string | null): string {
  return `dead.${tokenOf(team)}.${projectUuid === null ? NO_PROJECT : tokenOf(projectUuid)}`
}
