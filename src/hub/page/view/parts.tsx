/** Small parts that several panes show. */
import type { ComponentChildren } from 'preact'
import type { ApiFault } from '../feed/api.ts'
import { ago, fullTime, shortHash } from '../model/words.ts'

export function When({ time }: { readonly time: string }) {
  return (
    <time class="when" title={fullTime(time)}>
      {ago(time, Date.now())}
    </time>
  )
}

export function Hash({ hash }: { readonly hash: string }) {
  return (
    <code class="hash" title={hash}>
      {shortHash(hash)}
    </code>
  )
}

/** What stands where there is nothing: what it is, and what to do. */
export function Empty({
  title,
  children,
}: {
  readonly title: string
  readonly children: ComponentChildren
}) {
  return (
    <div class="empty" role="status">
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  )
}

/** While something is read for the first time, or where that failed. */
export function Waiting({ fault }: { readonly fault: ApiFault | undefined }) {
  if (fault === undefined) return <p class="empty">Reading …</p>
  return (
    <div class="empty alarm" role="alert">
      <h2>This could not be read</h2>
      <p>
        {fault.status === 0 ? 'The hub does not answer.' : `The hub said ${fault.code}.`} It is read
        again as soon as something changes or the link is back.
      </p>
    </div>
  )
}

export function Search({
  label,
  value,
  onSearch,
}: {
  readonly label: string
  readonly value: string
  readonly onSearch: (text: string) => void
}) {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={`${label}  /`}
      value={value}
      onInput={({ currentTarget }) => onSearch(currentTarget.value)}
    />
  )
}
