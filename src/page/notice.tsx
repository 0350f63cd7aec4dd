/** What stands in the middle where there is nothing to look at. */
import type { ComponentChildren } from 'preact'

export function Notice({
  title,
  children,
}: {
  readonly title: string
  readonly children: ComponentChildren
}) {
  return (
    <main class="notice">
      <div role="status">
        <h2>{title}</h2>
        {children}
      </div>
    </main>
  )
}
