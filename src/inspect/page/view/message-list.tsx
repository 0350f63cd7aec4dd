/** What was told, a line each; the one that is looked at is lit. */
import type { Inspector } from '../inspector.ts'
import { lowerBound } from '../model/search.ts'
import { summarize } from '../model/summary.ts'
import { clockTime } from '../../../page/text.ts'
import { VirtualList } from '../../../page/virtual-list.tsx'

const ROW_HEIGHT = 24

export function MessageList({ inspector }: { readonly inspector: Inspector }) {
  const { rows, now, isLive, history } = inspector
  const focus = lowerBound(rows, (at) => at <= now) - 1
  if (rows.length === 0 && history.end > 0) {
    return (
      <p class="empty">
        No message passes the filter. Take a word out of the search, or choose more kinds above.
      </p>
    )
  }
  return (
    <VirtualList
      count={rows.length}
      rowHeight={ROW_HEIGHT}
      focus={focus}
      follows={isLive}
      onLeave={() => inspector.togglePause()}
      label="Messages"
      class="messages"
      active={focus < 0 ? undefined : `message-${rows[focus]}`}
      row={(index) => messageRow(inspector, rows[index], index === focus)}
    />
  )
}

function messageRow(inspector: Inspector, at: number | undefined, isFocus: boolean) {
  const entry = at === undefined ? undefined : inspector.history.at(at)
  if (entry === undefined) return null
  const { group, word, who, text, isAlarm } = summarize(entry, inspector.history)
  const isAhead = entry.at > inspector.now
  const classes = [
    'message',
    `of-${group}`,
    isAlarm ? 'alarm' : '',
    isFocus ? 'chosen' : '',
    isAhead ? 'ahead' : '',
  ]
  return (
    <div
      key={entry.at}
      id={`message-${entry.at}`}
      class={classes.join(' ')}
      role="option"
      aria-selected={isFocus}
      onClick={() => inspector.open(entry.at)}
    >
      <span class="time">{clockTime(entry.message.createdAt)}</span>
      <span class="word">{word}</span>
      <span class="who" title={who}>
        {who}
      </span>
      <span class="text">{text}</span>
    </div>
  )
}
