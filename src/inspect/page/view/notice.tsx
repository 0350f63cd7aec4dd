/** What stands in the middle where there is nothing to look at: what it is, and what to do. */
import type { ComponentChildren } from 'preact'
import { Notice } from '../../../page/notice.tsx'
import type { Inspector } from '../inspector.ts'

/** Null where there is something to look at. */
export function noticeOf(inspector: Inspector): ComponentChildren | null {
  const { kind } = inspector.linkState
  if (kind === 'unlinked' || kind === 'refused') {
    return (
      <Notice title="This window needs a link">
        <p>
          The inspector shows itself only to whoever has the link that was printed in the terminal;
          each link works once.
        </p>
        <p>
          Open the link that stands there now, or start it again:{' '}
          <code>kittiwake inspect --open</code>
        </p>
      </Notice>
    )
  }
  if (inspector.history.end > 0) return null
  if (kind === 'ended') {
    return (
      <Notice title="The inspector is gone">
        <p>
          Nobody answers at this address any more. Start it again:{' '}
          <code>kittiwake inspect --open</code>
        </p>
      </Notice>
    )
  }
  if (kind === 'open') {
    const isTrace = inspector.welcome?.source === 'trace'
    return isTrace ? (
      <Notice title="The trace is empty">
        <p>
          It holds no message. Record one with <code>kittiwake sync run --record FILE</code>
        </p>
      </Notice>
    ) : (
      <Notice title="Nothing has happened yet">
        <p>
          The machines start with the first thing to do: record an event, or run{' '}
          <code>kittiwake sync now</code>
        </p>
      </Notice>
    )
  }
  return (
    <Notice title={kind === 'lost' ? 'The connection was lost' : 'Connecting'}>
      <p>This takes a moment.</p>
    </Notice>
  )
}
