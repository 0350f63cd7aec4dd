/** The inspector's server within a runtime: it shows this runtime alone, and ends with it. */
import type { System } from './actors/system.ts'
import { readEventFate } from './event-fate.ts'
import type { Sanitizer } from './events/sanitize.ts'
import type { Unnumbered } from './inspect/feed-message.ts'
import { Drawings } from './inspect/drawing.ts'
import { Feed } from './inspect/feed.ts'
import { follow } from './inspect/following.ts'
import { InspectServer } from './inspect/server/inspect-server.ts'
import type { Repository } from './project/types.ts'

export type InspectOptions = {
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Whether events may be sent to actors from the page; default false. */
  readonly allowSend?: boolean
  /** The link was used; here is another one, for another window. */
  readonly used?: (url: string) => void
}

export type Inspection = {
  /** For a browser of this machine; works once. */
  readonly url: string
  stop(): Promise<void>
}

export type InspectionParts = {
  readonly system: System
  readonly sanitizer: Sanitizer
  readonly repository: Repository
  readonly state: string
}

/** @throws InputError INSPECT_PORT */
export async function startInspection(
  { system, sanitizer, repository, state }: InspectionParts,
  { port = 0, allowSend = false, used }: InspectOptions,
): Promise<Inspection> {
  const feed = new Feed()
  const tell = (message: Unnumbered): void => feed.tell(message)
  const following = follow({ system, sanitizer, number: 1, tell })
  try {
    const server = await InspectServer.start({
      port,
      ...(used === undefined ? {} : { used }),
      shown: {
        feed,
        drawings: new Drawings(),
        trace: null,
        fate: (eventId) => readEventFate(repository, state, eventId),
        send: allowSend ? following.send : null,
      },
    })
    return {
      get url() {
        return server.url
      },
      stop: async () => {
        following.stop()
        await server.stop()
      },
    }
  } catch (error) {
    following.stop()
    throw error
  }
}
