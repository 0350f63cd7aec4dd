/** What a stream has, read to its end. */
import type { Consumer, JsMsg } from '@nats-io/jetstream'
import { NATS_ANSWER_MS } from '../limits.ts'

const PAGE = 500

/** Of a consumer's subjects. What goes meanwhile is not waited for, what is late is. @throws where no server answers */
export async function* storedMessages(consumer: Consumer): AsyncGenerator<JsMsg> {
  while ((await consumer.info()).num_pending > 0) {
    const page = { max_messages: PAGE, expires: NATS_ANSWER_MS }
    for await (const message of await consumer.fetch(page)) {
      yield message
      if (message.info.pending === 0) break
    }
  }
}
