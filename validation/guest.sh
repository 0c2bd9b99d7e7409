# What a job of `validation/run` does in the guest.

group=/sys/fs/cgroup/limited

# Mounts what measuring needs. Swap is read page by page, as a trace's faults are.
prepare() {
  mount -t cgroup2 cgroup /sys/fs/cgroup
  echo +memory > /sys/fs/cgroup/cgroup.subtree_control
  echo 0 > /proc/sys/vm/page-cluster
}

# swap_on_ram MIB: the guest's swap is a RAM disk of its own.
swap_on_ram() {
  insmod /job/files/brd.ko rd_nr=1 rd_size=$(($1 * 1024))
  while [ ! -b /dev/ram0 ]; do sleep 0.1; done
  mkswap /dev/ram0 > /dev/null
  swapon /dev/ram0
}

# swap_on_disk: the guest's swap is its disk.
swap_on_disk() {
  for name in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci \
    virtio_blk virtio_balloon; do
    insmod "/job/files/$name.ko"
  done
  while [ ! -b /dev/vda ]; do sleep 0.1; done
  mkswap /dev/vda > /dev/null
  swapon /dev/vda
}

# kernel two-list|mglru: which of Linux's reclaim algorithms is used from now on.
kernel() {
  case $1 in
    two-list) echo 0 > /sys/kernel/mm/lru_gen/enabled ;;
    mglru) echo 7 > /sys/kernel/mm/lru_gen/enabled ;;
  esac
}

# of NAME FILE: the number behind a name in a file of statistics.
of() {
  sed -n "s/^$1 //p" "$2"
}

# failed WORKLOAD FILE: says that it failed, after what it said.
failed() {
  cat "$2"
  echo "FAILED $1"
}

# in_group WORKLOAD PAGES: runs a workload under a limit of so many pages, and says how many major
# faults the group had, and how many pages of its limit the kernel used for itself at most.
in_group() {
  mkdir $group
  echo $(($2 * 4096)) > $group/memory.max
  (while :; do of kernel $group/memory.stat; sleep 0.05; done > /tmp/kernel) &
  watch=$!
  (echo 0 > $group/cgroup.procs; exec sh "/job/files/$1.sh") > /tmp/said 2>&1 || failed "$1" /tmp/said
  kill $watch
  wait $watch || true
  most=$(sort -n /tmp/kernel | tail -n 1)
  echo "MEASURED $1 $2 $(of pgmajfault $group/memory.stat) $((most / 4096))"
  # Pages that the kernel still owes the group keep it busy for a moment.
  rmdir $group || { sleep 1; rmdir $group; }
}

# in_guest WORKLOAD PAGES: runs a workload in the guest of so many pages, and says how many major
# faults the guest had, and how many of its pages held no anonymous memory at the end.
in_guest() {
  sync
  echo 3 > /proc/sys/vm/drop_caches
  before=$(of pgmajfault /proc/vmstat)
  sh "/job/files/$1.sh" > /said 2>&1 || failed "$1" /said
  after=$(of pgmajfault /proc/vmstat)
  resident=$(sed -n 's/^END [0-9]* [0-9]* //p' /said)
  echo "MEASURED $1 $2 $((after - before)) $(($2 - resident))"
}
