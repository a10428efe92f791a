#!/usr/bin/env bash
# A run of several processes on a cluster with SLURM: sbatch scripts/slurm.sh
# docs/clusters.md says how many processes, and how much memory, for how many spots.
#SBATCH --job-name=napari-trsmi
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1        # one torchrun a node, which starts the processes there
#SBATCH --cpus-per-task=16
#SBATCH --mem=128G
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120          # two minutes before the end, so that it is said
##SBATCH --gpus-per-node=4         # with GPUs: a process for each of them

set -euo pipefail
processes=${PROCESSES:-4}           # on each node; with GPUs as many as GPUs
tables=(rna=rna.h5ad protein=adt.h5ad)
output=domains.h5ad
checkpoint=${SLURM_JOB_NAME}-checkpoint  # in a folder that all nodes see

first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export OMP_NUM_THREADS=$((SLURM_CPUS_PER_TASK / processes))
srun torchrun --nnodes "$SLURM_NNODES" --nproc-per-node "$processes" \
    --rdzv-backend c10d --rdzv-endpoint "$first:29500" --rdzv-id "$SLURM_JOB_ID" \
    -m napari_trsmi run "${tables[@]}" --output "$output" --threads "$OMP_NUM_THREADS" \
    --checkpoint "$checkpoint" --resume
