/** Removes all that hubs share of one project: from the stream, byte by byte, and from every hub as it learns of it. */
import { randomUUID } from 'node:crypto'
import { headOf } from './base.ts'
import { STREAM } from './connect.ts'
import type { Nats, NatsOptions } from './connect.ts'
import { forgetShared } from './dead-stream.ts'
import { encodeChange, subjectOfChange, prefixesOf } from '../data/messages.ts'
import { makeNewBase } from './new-base.ts'
import { emptyStream } from './passing-copy.ts'
import { storedMessages } from './stored-messages.ts'
import { withNats } from './with-nats.ts'

export type SharedDeletion = {
  /** Messages of the stream that are gone. */
  readonly messages: number
}

/**
 * While hubs serve or not: one that is away deletes when it comes back.
 *
 * @throws LinkError HUB_STREAM_EMPTY, and what `withNats` throws
 */
export async function deleteShared(
  options: NatsOptions,
  team: string,
  projectUuid: string,
): Promise<SharedDeletion> {
  return withNats(options, async (nats) => {
    // A server that was named by mistake: nothing is deleted there, nor written.
    if ((await nats.manager.streams.info(STREAM)).state.last_seq === 0) throw emptyStream()
    const change = { kind: 'deletion', team, project_uuid: projectUuid } as const
    const { seq } = await nats.jetstream.publish(subjectOfChange(change), encodeChange(change), {
      msgID: randomUUID(),
    })
    let messages = 0
    for (const prefix of prefixesOf(team, projectUuid)) {
      for (const place of await placesOf(nats, `${prefix}>`, seq)) {
        // Overwritten, not only left out.
        await nats.manager.streams.deleteMessage(STREAM, place, true)
        messages += 1
      }
    }
    await forgetShared(nats, team, projectUuid)
    // One that another hub makes meanwhile may hold the project still.
    if ((await headOf(nats)) !== null) await makeNewBase(nats, { through: seq, scrub: false })
    return { messages }
  })
}

async function placesOf({ jetstream }: Nats, subject: string, before: number): Promise<number[]> {
  const consumer = await jetstream.consumers.get(STREAM, {
    filter_subjects: subject,
    headers_only: true,
  })
  const places: number[] = []
  for await (const { seq } of storedMessages(consumer)) if (seq < before) places.push(seq)
  return places
}
